#pragma once

#include "subjects/wire/daemon.hpp"

#include <string>

struct sd_bus_message;

namespace steward::handlers::daemon {

struct SdBus;

// The arguments of StartTransientUnit for a spec with argv. Below 0: an errno.
int append_transient(const SdBus& api,
                     sd_bus_message* message,
                     const std::string& unit,
                     const wire::DaemonSpec& spec);

}  // namespace steward::handlers::daemon
