#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/proc_file.hpp"
#include "handlers/metrics/scan.hpp"

#include <array>

namespace steward::handlers::metrics {
namespace {

constexpr std::array<std::string_view, 8> kTrackedColumns{"found",
                                                          "invalid",
                                                          "ignore",
                                                          "insert",
                                                          "insert_failed",
                                                          "drop",
                                                          "early_drop",
                                                          "search_restart"};

class Conntrack final : public Collector {
 public:
  explicit Conntrack(const Roots& roots)
      : count_(roots.proc + "/sys/net/netfilter/nf_conntrack_count"),
        most_(roots.proc + "/sys/net/netfilter/nf_conntrack_max"),
        stat_(roots.proc + "/net/stat/nf_conntrack") {}

  std::string_view name() const override { return "conntrack"; }

  Result<void> collect(Samples& out, std::string& buffer) override {
    STEWARD_TRY(auto text, count_.read(buffer));
    STEWARD_TRY(const auto count, parse_number(text));
    out.gauge("node_nf_conntrack_entries", {}, count);
    STEWARD_TRY(text, most_.read(buffer));
    STEWARD_TRY(const auto most, parse_number(text));
    out.gauge("node_nf_conntrack_entries_limit", {}, most);
    STEWARD_TRY(text, stat_.read(buffer));
    return parse_conntrack_stat(text, out);
  }

 private:
  ProcFile count_, most_, stat_;
};

}  // namespace

// The first line names the columns; then one a processor, hexadecimal.
Result<void> parse_conntrack_stat(std::string_view text, Samples& out) {
  const auto names = next_line(text);
  std::array<std::int64_t, kTrackedColumns.size()> sums{};
  while (!text.empty()) {
    auto line = next_line(text);
    auto titles = names;
    for (auto title = next_word(titles); !title.empty(); title = next_word(titles)) {
      const auto number = next_whole(line, 16);
      if (!number || *number < 0 || *number > UINT32_MAX) {
        return failure(ErrorCode::bad_payload, "nf_conntrack: not a number");
      }
      for (std::size_t i = 0; i < kTrackedColumns.size(); ++i) {
        sums[i] += kTrackedColumns[i] == title ? *number : 0;
      }
    }
  }
  for (std::size_t i = 0; i < kTrackedColumns.size(); ++i) {
    out.gauge(Name("node_nf_conntrack_stat_", kTrackedColumns[i]), {}, sums[i]);
  }
  return {};
}

Result<std::int64_t> parse_number(std::string_view text) {
  auto line = next_line(text);
  const auto number = next_whole(line);
  if (!number) {
    return failure(ErrorCode::bad_payload, "not a number");
  }
  return *number;
}

Made make_conntrack(const Roots& roots) { return std::make_unique<Conntrack>(roots); }

}  // namespace steward::handlers::metrics
