#pragma once

#include <map>
#include <string>
#include <string_view>

namespace steward::handlers::metrics {

// A label's value as the text format of Prometheus has it, put behind `out`. What is not UTF-8
// would not survive JSON: it and control characters become '?'.
void append_escaped(std::string& out, std::string_view value);

// A part of a name; it may come out of a file: what Prometheus does not take becomes '_'.
void append_name(std::string& out, std::string_view part);

// name{a="1",b="2"}. A label without a value is none.
std::string series_key(std::string_view name, const std::map<std::string, std::string>& labels);

}  // namespace steward::handlers::metrics
