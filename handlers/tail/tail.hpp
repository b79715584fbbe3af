#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/handler.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/tail/tailed.hpp"
#include "subjects/wire/tail.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace steward::handlers::tail {

// Shows files, journals and the output of daemons to viewers as they grow. Each stream has a lease:
// without a viewer that renews it, it ends. While there is none, nothing runs.
class TailHandler final : public runtime::Handler {
 public:
  explicit TailHandler(runtime::Context& context);

  Result<runtime::Admission> receive(const runtime::Command& command) override;

 private:
  struct Stream {
    std::unique_ptr<Tailed> tailed;
    std::chrono::steady_clock::time_point until{};
    std::uint64_t said = 0;
    bool follow = true;
  };

  void act(const wire::TailRequest& request);
  void begin(const wire::TailRequest& request);
  Result<std::unique_ptr<Tailed>> open(const wire::TailRequest& request) const;
  void look();
  bool look_at(const std::string& name, Stream& stream);
  void say(const std::string& name, Stream& stream, wire::TailEvent event);

  runtime::Context& context_;
  const std::vector<std::string> folders_;
  const std::string journal_dir_;
  const std::filesystem::path daemons_;
  std::map<std::string, Stream> streams_;
  runtime::Timer look_;
};

}  // namespace steward::handlers::tail
