#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/proc_file.hpp"

namespace steward::handlers::metrics {
namespace {

class Entropy final : public Collector {
 public:
  explicit Entropy(const Roots& roots)
      : available_(roots.proc + "/sys/kernel/random/entropy_avail"),
        size_(roots.proc + "/sys/kernel/random/poolsize") {}

  std::string_view name() const override { return "entropy"; }

  Result<void> collect(Samples& out, std::string& buffer) override {
    STEWARD_TRY(auto text, available_.read(buffer));
    STEWARD_TRY(const auto available, parse_number(text));
    out.gauge("node_entropy_available_bits", {}, available);
    STEWARD_TRY(text, size_.read(buffer));
    STEWARD_TRY(const auto size, parse_number(text));
    out.gauge("node_entropy_pool_size_bits", {}, size);
    return {};
  }

 private:
  ProcFile available_, size_;
};

}  // namespace

Made make_entropy(const Roots& roots) { return std::make_unique<Entropy>(roots); }

}  // namespace steward::handlers::metrics
