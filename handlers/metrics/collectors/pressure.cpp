#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/proc_file.hpp"
#include "handlers/metrics/scan.hpp"

#include <array>

namespace steward::handlers::metrics {
namespace {

constexpr std::array<std::string_view, 3> kPressures{"cpu", "io", "memory"};

class Pressure final : public Collector {
 public:
  explicit Pressure(const Roots& roots)
      : files_{ProcFile(roots.proc + "/pressure/cpu"),
               ProcFile(roots.proc + "/pressure/io"),
               ProcFile(roots.proc + "/pressure/memory")} {}

  std::string_view name() const override { return "pressure"; }

  Result<void> collect(Samples& out, std::string& buffer) override {
    for (std::size_t i = 0; i < kPressures.size(); ++i) {
      STEWARD_TRY(const auto text, files_[i].read(buffer));
      if (auto parsed = parse_pressure(text, kPressures[i], out); !parsed) {
        return parsed;
      }
    }
    return {};
  }

 private:
  std::array<ProcFile, kPressures.size()> files_;
};

}  // namespace

// "some avg10=25.06 avg60=25.27 avg300=20.35 total=9795330314", in microseconds. All that wait for
// a processor at once is no state of a machine: its "full" line is not told.
Result<void> parse_pressure(std::string_view text, std::string_view of, Samples& out) {
  while (!text.empty()) {
    auto line = next_line(text);
    const auto who = next_word(line);
    std::optional<std::int64_t> total;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      if (word.starts_with("total=")) {
        total = whole(word.substr(6));
      }
    }
    if (!total || (who != "some" && who != "full")) {
      return failure(ErrorCode::bad_payload, "pressure: not a total of some or full");
    }
    if (who == "some") {
      out.counter(Name("node_pressure_", of, "_waiting_seconds_total"), {}, *total, kMicro);
    } else if (of != "cpu") {
      out.counter(Name("node_pressure_", of, "_stalled_seconds_total"), {}, *total, kMicro);
    }
  }
  return {};
}

Made make_pressure(const Roots& roots) { return std::make_unique<Pressure>(roots); }

}  // namespace steward::handlers::metrics
