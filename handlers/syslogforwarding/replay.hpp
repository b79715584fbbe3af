#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/syslogforwarding/parse/line_parser.hpp"
#include "handlers/syslogforwarding/settings.hpp"
#include "handlers/syslogforwarding/store.hpp"
#include "subjects/wire/syslogforwarding.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::syslogforwarding {

// What was done with a source.
struct Replayed {
  std::string source;
  std::uint64_t from = 0;  // number of the first line that is said again
  std::string epoch;
  std::string note;  // why it is not said again; empty: it is
};

// Sets back, in the store, how far those sources were read that can be read again. While nobody
// reads them: who opens them next goes on from there. Errors: as Store's.
[[nodiscard]] Result<std::vector<Replayed>> set_back(Store& store,
                                                     const wire::LogRequest& request,
                                                     const Settings& settings,
                                                     runtime::Clock& clock,
                                                     LineParser& parser);

// Where the first line begins that says that it was written then or later, and how many line ends
// are before it and before `end`. Lines that say no time go with those before them.
struct TimePlace {
  std::uint64_t offset = 0;
  std::uint64_t lines_before = 0;
  std::uint64_t lines = 0;  // before `end`
};

[[nodiscard]] Result<TimePlace> find_time(int file,
                                          std::uint64_t end,
                                          std::optional<std::int64_t> since_us,
                                          LineParser& parser);

}  // namespace steward::handlers::syslogforwarding
