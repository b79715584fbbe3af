#pragma once

#include "subjects/bus/log_merge.hpp"
#include "tools/stewardctl/console.hpp"

#include <string>

namespace steward::ctl {

// "14:12:03.250  ship1  sshd[123]: Failed password", for people; a notice stands out.
std::string log_text(const bus::LogItem& item, const Style& style);

// One JSON object and a line feed.
std::string log_json(const bus::LogItem& item);

}  // namespace steward::ctl
