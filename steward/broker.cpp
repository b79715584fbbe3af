#include "steward/broker.hpp"

#include "steward/files.hpp"
#include "subjects/identity/files.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace steward::station {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstRestartBackoff{100};
constexpr milliseconds kLongestRestartBackoff{10'000};
constexpr milliseconds kStable{30'000};  // up for so long, the next crash is a first one again
constexpr milliseconds kPortPoll{10};
constexpr milliseconds kSlowStart{30'000};
constexpr std::uint64_t kReadPerMillisecond = 20'000;  // bytes of its store, at its start, at least
constexpr milliseconds kBrokerStopGrace{5'000};
constexpr std::size_t kLongestLine = 2'000;

bool port_is_free(std::uint16_t port) {
  const runtime::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Only a listening socket collides with a listener elsewhere that also allows reuse.
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
         ::listen(socket.get(), 1) == 0;
}

std::uint64_t free_bytes(const std::filesystem::path& folder) {
  struct statvfs space {};

  if (::statvfs(folder.c_str(), &space) != 0) {
    return 0;
  }
  return static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
}

std::uint64_t bytes_below(const std::filesystem::path& folder) {
  std::uint64_t sum = 0;
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::recursive_directory_iterator();
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) {
      const auto size = entry->file_size(ignored);
      sum += ignored ? 0 : size;
    }
  }
  return sum;
}

// A broker removes its own where it ends in order; an old one could be taken for a new one's, for
// it is named by the process's number.
void remove_ports_files(const std::filesystem::path& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".ports") {
      std::error_code ignored;
      std::filesystem::remove(entry.path(), ignored);
    }
  }
}

std::string ended(const runtime::ExitStatus& status) {
  return status.code ? "exit " + std::to_string(*status.code)
                     : "signal " + std::to_string(status.signal);
}

}  // namespace

Broker::Broker(Settings settings,
               runtime::Loop& loop,
               runtime::Processes& processes,
               runtime::Logger log,
               Callbacks callbacks)
    : settings_(std::move(settings)),
      loop_(loop),
      processes_(processes),
      log_(std::move(log)),
      callbacks_(std::move(callbacks)),
      backoff_(kFirstRestartBackoff),
      restart_timer_(loop,
                     [this] {
                       if (auto launched = launch(); !launched) {
                         log_.error(launched.error().text());
                         exited({});
                       }
                     }),
      port_timer_(loop, [this] { look_for_port(); }) {}

Broker::~Broker() = default;

Result<void> Broker::start() {
  STEWARD_TRY(binary_, find_nats_server(settings_.where_found));
  if (auto made = make_private_folder(settings_.folder); !made) {
    return made;
  }
  if (port_is_free(settings_.preferred_port)) {
    port_ = settings_.preferred_port;
  }
  return launch();
}

Result<void> Broker::write_config() {
  const auto used = bytes_below(settings_.folder / "store");
  slow_start_ = kSlowStart + milliseconds(used / kReadPerMillisecond);
  store_bytes_ = store_limit(free_bytes(settings_.folder), used);
  STEWARD_TRY(auto logins, read_logins());
  config_ = {settings_.server_name, settings_.folder, port_, store_bytes_, std::move(logins)};
  return write_private_file(settings_.folder / "nats-server.conf", nats_server_config(config_));
}

Result<std::string> Broker::read_logins() const {
  return settings_.logins.empty() ? std::string() : identity::read_file(settings_.logins);
}

// Nothing else may be other than at its start: it would refuse the whole. One that is not up yet
// is told when it is: a signal too early ends it.
Result<void> Broker::reload_logins() {
  STEWARD_TRY(auto logins, read_logins());
  if (logins == config_.logins || !is_ready_ || !child_) {
    return {};
  }
  auto changed = config_;
  changed.logins = std::move(logins);
  auto written =
      write_private_file(settings_.folder / "nats-server.conf", nats_server_config(changed));
  if (!written) {
    return written;
  }
  config_ = std::move(changed);
  log_.info("the logins have changed: it reads them");
  return child_->signal(SIGHUP);
}

Result<void> Broker::launch() {
  is_ready_ = false;
  remove_ports_files(settings_.folder);
  if (auto written = write_config(); !written) {
    return written;
  }
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return tl::unexpected<Error>(system_error(errno, "make a pipe for the broker's log"));
  }
  log_watcher_.reset();
  log_pipe_ = runtime::Fd(pipe[0]);
  const runtime::Fd write_end(pipe[1]);
  // The broker's end blocks: a log that we do not read for a moment must not lose lines.
  ::fcntl(write_end.get(), F_SETFL, 0);
  runtime::SpawnRequest request;
  request.argv = {binary_.string(), "-c", (settings_.folder / "nats-server.conf").string()};
  request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  request.cwd = settings_.folder.string();
  request.out = write_end.get();
  request.err = write_end.get();
  request.parent_death_signal = SIGTERM;
  STEWARD_TRY(child_, processes_.spawn(loop_, request, [this](const runtime::ExitStatus& status) {
    exited(status);
  }));
  log_watcher_ =
      std::make_unique<runtime::FdWatcher>(loop_, log_pipe_.get(), [this] { read_log(); });
  if (auto watching = log_watcher_->start(runtime::Ready::readable); !watching) {
    return watching;
  }
  launched_ = std::chrono::steady_clock::now();
  port_timer_.start_every(kPortPoll);
  return {};
}

std::filesystem::path Broker::ports_file() const {
  return settings_.folder / ("nats-server_" + std::to_string(child_->pid()) + ".ports");
}

void Broker::look_for_port() {
  const auto now = std::chrono::steady_clock::now();
  const auto text = read_small_file(ports_file());
  const auto port = text ? parse_ports_file(*text) : std::nullopt;
  if (!port) {
    if (now - launched_ > slow_start_) {
      port_timer_.stop();
      log_.error("the broker does not come up: it is ended");
      (void)child_->signal(SIGKILL);  // its end is what follows, or has happened
    }
    return;
  }
  port_timer_.stop();
  port_ = port;
  was_ready_ = true;
  is_ready_ = true;
  ready_since_ = now;
  if (auto reloaded = reload_logins(); !reloaded) {
    log_.error("the broker's logins: " + reloaded.error().text());
  }
  callbacks_.ready("nats://127.0.0.1:" + std::to_string(*port));
}

void Broker::read_log() {
  std::array<char, 16 * 1024> buffer{};
  const ssize_t got = ::read(log_pipe_.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (got <= 0) {
    log_watcher_->stop();
    return;
  }
  std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  while (!text.empty()) {
    const auto end = text.find('\n');
    partial_line_.append(text.substr(0, end));
    partial_line_.resize(std::min(partial_line_.size(), kLongestLine));
    if (end == std::string_view::npos) {
      return;
    }
    log_line(partial_line_);
    partial_line_.clear();
    text.remove_prefix(end + 1);
  }
}

// "[1234] [INF] Starting nats-server": what it says of its daily life is of interest to few.
void Broker::log_line(std::string_view line) {
  const auto mark = line.find("] [");
  const std::string_view level = mark == std::string_view::npos ? "" : line.substr(mark + 3, 3);
  const std::string_view text =
      mark == std::string_view::npos ? line : line.substr(std::min(line.size(), mark + 8));
  constexpr std::string_view kVersion = "Version:";
  if (const auto at = text.find(kVersion); at != std::string_view::npos && version_.empty()) {
    const auto number = text.find_first_not_of(' ', at + kVersion.size());
    version_ = number == std::string_view::npos ? "" : text.substr(number);
  }
  if (level == "INF" || level == "DBG" || level == "TRC") {
    log_.debug(text);
  } else if (level == "WRN") {
    log_.warning(text);
  } else {
    last_words_ = text;
    log_.error(text);
  }
}

void Broker::exited(const runtime::ExitStatus& status) {
  port_timer_.stop();
  if (log_pipe_) {
    read_log();  // its last words
  }
  log_watcher_.reset();
  log_pipe_.reset();
  child_.reset();
  if (stopped_) {
    std::exchange(stopped_, nullptr)();
    return;
  }
  if (!was_ready_) {
    if (port_) {
      // Somebody has taken the port between our look at it and the broker's.
      port_.reset();
      restart_timer_.start(milliseconds(0));
      return;
    }
    callbacks_.failed(Error{ErrorCode::unavailable,
                            "the broker ended at once (" + ended(status) + "): " + last_words_});
    return;
  }
  if (is_ready_ && std::chrono::steady_clock::now() - ready_since_ > kStable) {
    backoff_ = kFirstRestartBackoff;
  }
  if (!std::exchange(restarting_, false)) {
    log_.error("the broker has ended (" + ended(status) + "); it is started again in " +
               std::to_string(backoff_.count()) + " ms");
  }
  restart_timer_.start(backoff_);
  backoff_ = std::min(backoff_ * 2, kLongestRestartBackoff);
}

void Broker::stop(std::function<void()> stopped) {
  restart_timer_.stop();
  if (!child_) {
    stopped();
    return;
  }
  stopped_ = std::move(stopped);
  end_child();
}

void Broker::restart(std::string_view why, milliseconds least) {
  if (!child_ || !is_ready_ || restarting_ || stopped_ ||
      std::chrono::steady_clock::now() - ready_since_ < least) {
    return;
  }
  log_.error("the broker runs and does not work (" + std::string(why) + "): it is restarted");
  restarting_ = true;
  end_child();
}

void Broker::end_child() {
  runtime::TreeKill how;
  how.grace = kBrokerStopGrace;
  how.scope = runtime::TreeKill::Scope::child_only;
  child_->kill_tree(how, [](runtime::KillStep, const runtime::TreeReport&) {});
}

std::optional<pid_t> Broker::pid() const {
  return child_ ? std::optional(child_->pid()) : std::nullopt;
}

}  // namespace steward::station
