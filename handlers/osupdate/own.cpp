#include "handlers/osupdate/own.hpp"

#include "handlers/osupdate/machine_files.hpp"
#include "handlers/runtime/kept_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

namespace steward::handlers::osupdate {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSettles{3'000};  // an agent that has run so long is well
constexpr milliseconds kKeepPatience{60'000};
constexpr milliseconds kTidy{2'000};  // a watcher ends within a second
constexpr int kMostTidied = 10;
constexpr const char* kKept = "files.tar";
constexpr const char* kPutBack = "put-back";

// Whether it is not unpacked yet is asked each second; it does not stay so for long. The agent's
// time begins when it is gone, and anew when another one has been well.
constexpr const char* kWatch = R"(
unpacking=0
left=$patience
was=$(cat "$alive" 2>/dev/null)
while [ -e "$folder/files.tar" ]; do
  sleep 1
  now=$(cat "$alive" 2>/dev/null)
  if [ "$now" != "$was" ]; then was=$now left=$patience; fi
  kill -0 "${was%% *}" 2>/dev/null && continue
  case $(status 2>/dev/null) in
    unpacked | half-installed)
      unpacking=$((unpacking + 1))
      [ $unpacking -lt 600 ] && continue ;;
  esac
  left=$((left - 1))
  [ $left -gt 0 ] && continue
  tar -C / -xf "$folder/files.tar" && : >"$folder/put-back"
  reset
  restart
  exit
done
)";

}  // namespace

Own::Own(runtime::Context& context,
         const Driver& driver,
         CommandLine systemctl,
         std::string shim,
         Settings settings)
    : context_(context),
      driver_(driver),
      systemctl_(std::move(systemctl)),
      shim_program_(std::move(shim)),
      settings_(std::move(settings)),
      settles_(context.loop, [this] { say_well(); }),
      tidy_(context.loop, [this] { tidy(); }) {}

void Own::start() {
  if (!settings_.package.empty()) {
    settles_.start(kSettles);
    tidy_.start(kTidy);
  }
}

std::filesystem::path Own::folder(const std::string& run) const {
  return context_.state_dir / "own" / run;
}

std::filesystem::path Own::alive() const { return context_.state_dir / "alive"; }

// Each agent says something else.
void Own::say_well() {
  const auto text =
      std::to_string(::getpid()) + " " + wire::format_time(context_.clock.now()) + "\n";
  if (auto said = runtime::save_kept(alive(), text); !said) {
    context_.log.error("that the agent is well is not kept: " + said.error().message);
    settles_.start(kSettles);
    return;
  }
  well_ = true;
}

const wire::UpdatePackage* Own::in(const wire::UpdatePlan& plan) const {
  const auto at =
      std::find_if(plan.packages.begin(), plan.packages.end(), [this](const auto& package) {
        return !settings_.package.empty() && !package.from.empty() &&
               package.name.substr(0, package.name.find(':')) == settings_.package;
      });
  return at == plan.packages.end() ? nullptr : &*at;
}

void Own::guard(const std::string& run, std::function<void(Result<void>)> done) {
  done_ = std::move(done);
  std::string list;
  auto listed =
      driver_.each_file_of({settings_.package}, [&list](const std::filesystem::path& file) {
        std::error_code error;
        const auto status = std::filesystem::symlink_status(file, error);
        if (std::filesystem::is_regular_file(status) || std::filesystem::is_symlink(status)) {
          list += file.relative_path().string() + '\n';
        }
      });
  if (listed && list.empty()) {
    listed = failure(ErrorCode::not_found, "no file is listed of " + settings_.package);
  }
  if (listed) {
    listed = runtime::save_kept(folder(run) / "list", list);
  }
  if (!listed) {
    return std::exchange(done_, nullptr)(std::move(listed));
  }
  CommandLine words{"tar", "-C", "/", "--no-recursion", "--verbatim-files-from"};
  words.insert(
      words.end(),
      {"-cf", (folder(run) / "files.part").string(), "-T", (folder(run) / "list").string()});
  look_ = std::make_unique<Look>(context_,
                                 driver_,
                                 std::move(words),
                                 kKeepPatience,
                                 [this, run](const Result<std::string>& said) { kept(run, said); });
}

void Own::kept(const std::string& run, const Result<std::string>& said) {
  std::error_code error;
  std::filesystem::rename(folder(run) / "files.part", folder(run) / kKept, error);
  auto result = !said   ? Result<void>(tl::unexpected<Error>(said.error()))
                : error ? Result<void>(failure(ErrorCode::io, error.message()))
                        : watch(run);
  std::exchange(done_, nullptr)(std::move(result));
}

std::string Own::script(const std::string& run) const {
  auto reset = systemctl_;
  reset.insert(reset.end(), {"reset-failed", settings_.service});
  auto restart = systemctl_;
  restart.insert(restart.end(), {"restart", settings_.service});
  return "patience=" + std::to_string(patience().count()) +
         "\nfolder=" + shell_words({folder(run).string()}) +
         "\nalive=" + shell_words({alive().string()}) + "\nstatus() { " +
         shell_words(driver_.status_of(settings_.package)) + "; }\nreset() { " +
         shell_words(reset) + "; }\nrestart() { " + shell_words(restart) + "; }" + kWatch;
}

Result<void> Own::watch(const std::string& run) {
  runtime::ShimRequest request;
  request.process.argv = {"sh", "-c", script(run)};
  request.process.env = driver_.environment();
  request.process.job = "osupdate-own-" + run;
  request.process.env.insert(request.process.env.end(),
                             {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                              "LC_ALL=C",
                              "STEWARD_JOB=" + request.process.job});
  request.folder = folder(run) / "watcher";
  STEWARD_TRY(watcher_,
              runtime::Shim::start(context_.loop, context_.processes, shim_program_, request, {}));
  return {};
}

bool Own::has_put_back(const std::string& run) const {
  std::error_code error;
  return std::filesystem::exists(folder(run) / kPutBack, error);
}

void Own::release(const std::string& run) {
  watcher_.reset();
  std::error_code error;
  std::filesystem::remove(folder(run) / kKept, error);
  tidied_ = 0;
  tidy_.start(kTidy);
}

// A shim whose folder goes before it has written its end down would stay for ever. One that was
// killed never does: its folder is looked at again by the next agent.
void Own::tidy() {
  if (done_) {  // one is being made
    return tidy_.start(kTidy);
  }
  std::vector<std::filesystem::path> over;
  bool more = false;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(context_.state_dir / "own", error)) {
    if (std::filesystem::exists(entry.path() / kKept, error)) {
      continue;
    }
    const auto watcher = entry.path() / "watcher";
    const bool ended = !std::filesystem::exists(watcher, error) || runtime::shim_has_ended(watcher);
    more = more || !ended;
    if (ended) {
      over.push_back(entry.path());
    }
  }
  for (const auto& path : over) {
    std::filesystem::remove_all(path, error);
  }
  if (more && ++tidied_ < kMostTidied) {
    tidy_.start(kTidy);
  }
}

}  // namespace steward::handlers::osupdate
