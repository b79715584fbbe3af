#pragma once

#include "subjects/wire/daemon.hpp"

#include <map>
#include <string>
#include <vector>

namespace steward::handlers::daemon {

// Who comes after whom, by name without a replica's number. Pure.

using Specs = std::map<std::string, wire::DaemonSpec>;

// A circle among them, "a -> b -> a"; empty: none.
std::string circle_in(const Specs& specs);

}  // namespace steward::handlers::daemon
