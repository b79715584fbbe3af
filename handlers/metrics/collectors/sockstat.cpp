#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/proc_file.hpp"
#include "handlers/metrics/scan.hpp"

#include <unistd.h>

namespace steward::handlers::metrics {
namespace {

class SockStat final : public Collector {
 public:
  explicit SockStat(const Roots& roots)
      : v4_(roots.proc + "/net/sockstat"), v6_(roots.proc + "/net/sockstat6") {}

  std::string_view name() const override { return "sockstat"; }

  Result<void> collect(Samples& out, std::string& buffer) override {
    STEWARD_TRY(const auto v4, v4_.read(buffer));
    if (auto parsed = parse_sockstat(v4, page_bytes_, out); !parsed) {
      return parsed;
    }
    const auto v6 = v6_.read(buffer);
    return v6 ? parse_sockstat(*v6, page_bytes_, out) : Result<void>();
  }

 private:
  const std::int64_t page_bytes_ = ::sysconf(_SC_PAGESIZE);
  ProcFile v4_, v6_;
};

}  // namespace

// "TCP: inuse 15 orphan 0 tw 487 alloc 15 mem 105"; mem counts pages.
Result<void> parse_sockstat(std::string_view text, std::int64_t page_bytes, Samples& out) {
  while (!text.empty()) {
    auto line = next_line(text);
    auto protocol = next_word(line);
    if (protocol.empty()) {
      continue;
    }
    if (protocol.back() != ':') {
      return failure(ErrorCode::bad_payload, "sockstat: a line without a protocol");
    }
    protocol.remove_suffix(1);
    for (auto key = next_word(line); !key.empty(); key = next_word(line)) {
      const auto number = next_whole(line);
      if (!number) {
        return failure(ErrorCode::bad_payload, "sockstat: not a number: " + std::string(key));
      }
      out.gauge(Name("node_sockstat_", protocol, "_", key), {}, *number);
      if (key == "mem") {
        out.gauge(Name("node_sockstat_", protocol, "_mem_bytes"),
                  {},
                  *number,
                  {static_cast<std::uint32_t>(page_bytes), 1});
      }
    }
  }
  return {};
}

Made make_sockstat(const Roots& roots) { return std::make_unique<SockStat>(roots); }

}  // namespace steward::handlers::metrics
