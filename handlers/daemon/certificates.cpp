#include "handlers/daemon/certificates.hpp"

#include <utility>

namespace steward::handlers::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetry{10'000};
constexpr milliseconds kRenew{3'600'000};
constexpr const char* kNew = "new certificate";  // what steward-edge says of one

std::string own_program() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

// "steward-edge: why\n"
std::string reason(const runtime::ProgramRun::End& end) {
  auto text = end.output.substr(0, end.output.find('\n'));
  constexpr std::string_view kPrefix = "steward-edge: ";
  return text.starts_with(kPrefix) ? text.substr(kPrefix.size())
                                   : runtime::shown(end.status) + " " + text;
}

}  // namespace

Certificates::Certificates(runtime::Context& context,
                           std::filesystem::path folder,
                           Listener listener)
    : context_(context),
      folder_(std::move(folder)),
      agent_(context.options.text("agent", own_program())),
      identity_(context.options.text("identity", "/etc/steward")),
      listener_(std::move(listener)),
      retry_(context.loop, [this] { ask_again(false); }),
      renew_(context.loop, [this] { ask_again(true); }) {}

std::string Certificates::waits_for(const wire::DaemonSpec& spec) {
  if (!spec.certificate) {
    return "";
  }
  const std::string name(wire::daemon_base(spec.name));
  auto& kept = kept_[name];
  if (!std::exchange(kept.asked, true) || kept.owner != spec.user) {
    kept.owner = spec.user;
    kept.why = "waits for its certificate";
    ask(name, kept);
    if (!renew_.active()) {
      renew_.start_every(kRenew);
    }
  }
  return kept.why;
}

void Certificates::keep(const wire::DaemonSpec& spec) {
  std::error_code error;
  const std::string name(wire::daemon_base(spec.name));
  const bool has_one = std::filesystem::exists(of(name) / "key.pem", error);
  if (!waits_for(spec).empty() && has_one) {
    kept_[name].why.clear();
  }
}

void Certificates::remove(const std::string& name) {
  kept_.erase(name);
  std::error_code error;
  std::filesystem::remove_all(of(name), error);
}

void Certificates::ask(const std::string& name, Kept& kept) {
  runtime::ProgramRun::Request request;
  request.argv = {"sh",
                  "-c",
                  "exec \"$@\" 2>&1",
                  "sh",
                  agent_,
                  "cert",
                  name,
                  "--dir",
                  identity_,
                  "--out",
                  of(name).string()};
  if (!kept.owner.empty()) {
    request.argv.insert(request.argv.end(), {"--owner", kept.owner});
  }
  kept.run = std::make_unique<runtime::ProgramRun>(
      context_.loop,
      std::move(request),
      [this, name](const Result<runtime::ProgramRun::End>& ended) { told(name, ended); });
  if (auto started = kept.run->start(context_.processes); !started) {
    kept.why = "has no certificate: " + started.error().message;
    retry_.start(kRetry);
  }
}

void Certificates::told(const std::string& name, const Result<runtime::ProgramRun::End>& ended) {
  const auto found = kept_.find(name);
  if (found == kept_.end()) {
    return;
  }
  auto& kept = found->second;
  const bool was_good = kept.why.empty();
  const bool good = ended && ended->status.code == 0;
  if (!good) {
    const auto why = ended ? reason(*ended) : ended.error().message;
    context_.log.warning(name + ": its certificate: " + why);
    retry_.start(kRetry);
    if (!was_good) {
      kept.why = "has no certificate: " + why;
    }
  } else {
    kept.why.clear();
  }
  if (good && was_good && ended->output.find(kNew) != std::string::npos) {
    listener_.renewed(name);
  }
  listener_.changed();
}

void Certificates::ask_again(bool all) {
  for (auto& [name, kept] : kept_) {
    if (all || !kept.why.empty()) {
      ask(name, kept);
    }
  }
}

}  // namespace steward::handlers::daemon
