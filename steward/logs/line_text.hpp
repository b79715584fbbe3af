#pragma once

#include "steward/logs/settings.hpp"
#include "subjects/bus/log_merge.hpp"

#include <string>
#include <string_view>

namespace steward::station {

// A line, or what is said of missing ones, as a message of RFC 5424. Where the line itself came as
// one, its message id and structured data are kept; an element "steward@32473" says unit, domain,
// source and number, by which a receiver can tell repeats. (32473: for those who have no number.)
std::string rfc5424(const bus::LogItem& item);

// "5 <14>1": as octet counting of RFC 6587 has it.
std::string counted(std::string_view message);

// With its line feed. Line feeds within an entry stay in the raw form, and are "#012" in the other.
std::string file_line(const bus::LogItem& item, LineForm form);

}  // namespace steward::station
