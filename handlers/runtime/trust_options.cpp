#include "handlers/runtime/trust_options.hpp"

namespace steward::runtime {

std::optional<bus::TrustFiles> read_trust(Options& options,
                                          const std::filesystem::path& state_dir) {
  if (!options.has("trust")) {
    return std::nullopt;
  }
  auto section = options.section("trust");
  return bus::TrustFiles{
      .cluster = section.text("cluster"),
      .roots = section.texts("roots"),
      .key = section.text("key", (state_dir / "message.key").string()),
      .policy = section.text("policy", "/etc/steward/policy.signed"),
      .kept = state_dir / "policy.signed",
      .units = {},
  };
}

}  // namespace steward::runtime
