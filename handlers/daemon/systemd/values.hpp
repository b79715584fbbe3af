#pragma once

#include "subjects/wire/error.hpp"

#include <nlohmann/json_fwd.hpp>

struct sd_bus_message;

namespace steward::handlers::daemon {

struct SdBus;

// All arguments of a message, in order; what cannot be said in JSON (a descriptor) is null.
nlohmann::json values_of(const SdBus& api, sd_bus_message* message);

// What an error reply means to us.
Error error_of(const char* name, const char* message);

}  // namespace steward::handlers::daemon
