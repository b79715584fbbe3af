#pragma once

#include "handlers/daemon/run.hpp"
#include "handlers/runtime/account.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/limits.hpp"
#include "handlers/runtime/shim.hpp"
#include "subjects/wire/daemon.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace steward::handlers::daemon {

// A run below a shim of ours.
class OwnRun final : public Run {
 public:
  // `shim`: the program; `cgroups`: null, and limits are those of the process.
  OwnRun(runtime::Context& context,
         const wire::DaemonSpec& spec,
         std::filesystem::path folder,
         std::string shim,
         const runtime::CgroupRoot* cgroups,
         Listener listener);

  void start() override;
  void adopt() override;
  [[nodiscard]] Result<void> signal(int signal) override;
  void end() override;

  pid_t pid() const override { return shim_ ? shim_->pid() : 0; }

  bool ending() const override { return ending_; }

  std::function<void()> told() const override;

 private:
  void launch(const runtime::Account& account);
  void fail(const Error& error);
  void never_ran(const Error& error);
  void exited(const runtime::ShimEnd& end);
  void lost();
  void shim_gone();
  runtime::Shim::Listener shim_listener();
  wire::DaemonExit end_now() const;

  runtime::Context& context_;
  wire::DaemonSpec spec_;
  std::filesystem::path folder_;
  std::string job_;
  const std::string program_;
  const runtime::CgroupRoot* cgroups_;
  Listener listener_;
  std::optional<runtime::Cgroup> group_;
  bool ending_ = false;
  std::unique_ptr<runtime::Shim> shim_;
  runtime::Timer leftovers_;  // of its tree, that stay behind it
  std::shared_ptr<OwnRun*> alive_;
};

}  // namespace steward::handlers::daemon
