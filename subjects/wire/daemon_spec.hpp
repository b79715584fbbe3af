#pragma once

#include "subjects/wire/daemon.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace steward::wire {

// The parts that a request and a file of a daemon's spec share.

std::string read_daemon_name(Fields& fields, std::string_view name);

DaemonSpec read_daemon_spec(Fields& fields);

nlohmann::json daemon_spec_json(const DaemonSpec& spec);

}  // namespace steward::wire
