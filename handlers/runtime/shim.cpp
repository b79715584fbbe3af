#include "handlers/runtime/shim.hpp"

#include "handlers/runtime/launch.hpp"
#include "handlers/runtime/launch/shim_folder.hpp"
#include "handlers/runtime/shim_order.hpp"
#include "handlers/runtime/tree_kill.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

namespace steward::runtime {
namespace {

constexpr int kBacklog = 8;

tl::unexpected<Error> refused(const std::string& doing) {
  return tl::unexpected(system_error(errno, doing));
}

// The socket of a folder has an address that is short enough whatever the folder's path is.
sockaddr_un address_in(const Fd& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path,
           sizeof address.sun_path,
           "/proc/self/fd/%d/%s",
           folder.get(),
           shim::kSocketFile);
  return address;
}

Fd open_folder(const std::filesystem::path& folder) {
  return Fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

Fd seqpacket() { return Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

// As long as somebody has it, the run has a shim: there is no moment in which neither can be seen.
Result<Fd> listen_in(const std::filesystem::path& path) {
  const Fd folder = open_folder(path);
  if (!folder) {
    return refused("open " + path.string());
  }
  ::unlinkat(folder.get(), shim::kSocketFile, 0);
  const auto address = address_in(folder);
  Fd listening = seqpacket();
  if (::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening.get(), kBacklog) != 0) {
    return refused("listen in " + path.string());
  }
  ::fcntl(listening.get(), F_SETFL, 0);
  return listening;
}

// None: nobody listens.
Fd connect_in(const std::filesystem::path& path) {
  const Fd folder = open_folder(path);
  const auto address = address_in(folder);
  Fd line = seqpacket();
  if (!folder ||
      ::connect(line.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  return line;
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<ShimEnd> parse_end(const std::string& text) {
  ShimEnd end;
  int code = 0;
  int signal = 0;
  int core = 0;
  std::int64_t at = 0;
  std::int64_t user = 0;
  std::int64_t system = 0;
  if (sscanf(text.c_str(),
             "exited %d %d %d %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
             &code,
             &signal,
             &core,
             &at,
             &user,
             &system,
             &end.status.max_rss_bytes) != 7) {
    return std::nullopt;
  }
  if (signal == 0) {
    end.status.code = code;
  }
  end.status.signal = signal;
  end.status.core_dumped = core != 0;
  end.status.user_time = std::chrono::microseconds(user);
  end.status.system_time = std::chrono::microseconds(system);
  end.at = wire::Timestamp(std::chrono::microseconds(at));
  return end;
}

std::optional<LaunchReport> parse_failure(const std::string& text) {
  int step = 0;
  int error = 0;
  if (sscanf(text.c_str(), "failed %d %d", &step, &error) != 2) {
    return std::nullopt;
  }
  return LaunchReport{static_cast<LaunchStep>(step), error};
}

}  // namespace

struct Shim::State {
  State(Loop& the_loop, std::filesystem::path its_folder, Listener its_listener)
      : loop(the_loop),
        folder(std::move(its_folder)),
        listener(std::move(its_listener)),
        later(the_loop, [this] { read_end(); }),
        alive(std::make_shared<State*>(this)) {}

  ~State() { watcher.reset(); }

  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> connect();
  void readable();
  void heard(const std::string& message);
  void heard_end(const std::string& message);
  void closed();
  void read_end();
  TreeRoot root() const;

  Loop& loop;
  std::filesystem::path folder;
  Listener listener;
  SpawnRequest process;  // for the words of what went wrong
  std::string job;
  Fd line;
  std::unique_ptr<FdWatcher> watcher;
  pid_t shim = 0;
  pid_t pid = 0;
  bool running = false;
  bool ended = false;
  bool was_ready = false;
  Timer later;  // for what is known at once and told from the loop
  std::unique_ptr<TreeKiller> killer;
  std::shared_ptr<State*> alive;
};

Result<void> Shim::State::connect() {
  line = connect_in(folder);
  if (!line) {
    later.start(std::chrono::milliseconds(0));
    return {};
  }
  watcher = std::make_unique<FdWatcher>(loop, line.get(), [this] { readable(); });
  return watcher->start(Ready::readable);
}

void Shim::State::readable() {
  const std::weak_ptr<State*> living(alive);
  std::array<char, shim::kMostMessage> buffer{};
  while (!living.expired() && line) {
    const ssize_t got = ::recv(line.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      heard(std::string(buffer.data(), static_cast<std::size_t>(got)));
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    } else {
      return closed();
    }
  }
}

// Each case ends with its call: the listener may destroy this.
void Shim::State::heard(const std::string& message) {
  int stream = 0;
  std::uint64_t total = 0;
  if (sscanf(message.c_str(), "shim %d", &shim) == 1) {
    return;
  }
  if (sscanf(message.c_str(), "output %d %" SCNu64, &stream, &total) == 2) {
    if (listener.output) {
      listener.output(stream, total);
    }
  } else if (message.starts_with("started ")) {
    pid = static_cast<pid_t>(std::strtol(message.c_str() + 8, nullptr, 10));
    running = true;
    if (listener.started) {
      listener.started(pid);
    }
  } else if (message == "ready") {
    if (!std::exchange(was_ready, true) && listener.ready) {
      listener.ready();
    }
  } else if (message.starts_with("notify ")) {
    if (listener.notified) {
      listener.notified(std::string_view(message).substr(7));
    }
  } else {
    heard_end(message);
  }
}

void Shim::State::heard_end(const std::string& message) {
  if (ended) {
    return;
  }
  if (const auto end = parse_end(message)) {
    ended = true;
    running = false;
    if (killer) {
      killer->nudge();
    }
    if (listener.exited) {
      listener.exited(*end);
    }
  } else if (const auto report = parse_failure(message)) {
    ended = true;
    if (listener.failed) {
      listener.failed(launch_error(process, *report));
    }
  }
}

void Shim::State::closed() {
  watcher.reset();
  line.reset();
  running = false;
  if (killer) {
    killer->nudge();
  }
  read_end();
}

// There is no shim any more: what it has written down counts.
void Shim::State::read_end() {
  const std::weak_ptr<State*> living(alive);
  if (!ended) {
    heard_end(read_text(folder / shim::kExitFile));
  }
  if (living.expired()) {
    return;
  }
  if (ended) {
    if (listener.gone) {
      listener.gone();
    }
  } else if (listener.lost) {
    listener.lost();
  }
}

TreeRoot Shim::State::root() const {
  TreeRoot root;
  root.job = job;
  root.main = line ? shim : -1;
  root.main_lives = static_cast<bool>(line) && shim > 0;
  root.child = running ? pid : -1;
  root.where = ended || line ? TreeRoot::Where::below_main : TreeRoot::Where::everywhere;
  return root;
}

Shim::Shim(std::unique_ptr<State> state) : state_(std::move(state)) {}

Shim::~Shim() = default;

Result<std::unique_ptr<Shim>> Shim::start(Loop& loop,
                                          Processes& processes,
                                          const std::string& program,
                                          const ShimRequest& request,
                                          Listener listener) {
  std::error_code error;
  std::filesystem::create_directories(request.folder, error);  // what is wrong shows below
  forget_shim_end(request.folder);
  STEWARD_TRY(const Fd order, write_order(request));
  STEWARD_TRY(Fd listening, listen_in(request.folder));
  SpawnRequest spawn;
  spawn.argv = {program};
  spawn.env = {"LANG=C.UTF-8"};
  spawn.cwd = request.folder.string();
  spawn.in = order.get();
  spawn.out = listening.get();
  STEWARD_TRY(const auto child, processes.spawn(loop, spawn, [](const ExitStatus&) {}));
  child->release();
  auto state = std::make_unique<State>(loop, request.folder, std::move(listener));
  state->process = request.process;
  state->job = request.process.job;
  if (auto connected = state->connect(); !connected) {
    return tl::unexpected(std::move(connected).error());
  }
  return std::unique_ptr<Shim>(new Shim(std::move(state)));
}

std::unique_ptr<Shim> Shim::adopt(Loop& loop,
                                  std::filesystem::path folder,
                                  std::string job,
                                  Listener listener) {
  auto state = std::make_unique<State>(loop, std::move(folder), std::move(listener));
  state->process.argv = {"the program"};
  state->job = std::move(job);
  if (!state->connect()) {
    state->later.start(std::chrono::milliseconds(0));
  }
  return std::unique_ptr<Shim>(new Shim(std::move(state)));
}

pid_t Shim::pid() const { return state_->pid; }

Result<void> Shim::signal(int signal) const {
  const std::string message = "signal " + std::to_string(signal);
  if (!state_->running ||
      ::send(state_->line.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    return failure(ErrorCode::not_found, "the process has ended");
  }
  return {};
}

std::vector<pid_t> Shim::tree() const {
  ProcessTree tree(ProcessTree::Scope::tree);
  tree.refresh(state_->root(), 0);
  return tree.pids();
}

void Shim::kill_tree(TreeKill how, std::function<void(KillStep, const TreeReport&)> step) {
  if (state_->killer && !state_->killer->finished()) {
    state_->killer->shorten(how.grace);
    return;
  }
  state_->killer = std::make_unique<TreeKiller>(
      state_->loop, [state = state_.get()] { return state->root(); }, how, std::move(step));
}

std::optional<wire::Timestamp> shim_started(const std::filesystem::path& folder) {
  struct stat file {};

  if (::stat((folder / shim::kChildFile).c_str(), &file) != 0) {
    return std::nullopt;
  }
  return wire::Timestamp(std::chrono::seconds(file.st_mtim.tv_sec) +
                         std::chrono::microseconds(file.st_mtim.tv_nsec / 1'000));
}

bool shim_has_ended(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder / shim::kExitFile, error);
}

void forget_shim_end(const std::filesystem::path& folder) {
  std::error_code error;
  // In this order: a start without an end is a run of which nobody knows how it ended.
  std::filesystem::remove(folder / shim::kChildFile, error);
  std::filesystem::remove(folder / shim::kExitFile, error);
}

std::string shim_program() {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  for (const auto& place : {own.parent_path() / "steward-shim",
                            own.parent_path().parent_path() / "libexec/steward/steward-shim",
                            std::filesystem::path("/usr/libexec/steward/steward-shim")}) {
    if (std::filesystem::exists(place, error)) {
      return place.string();
    }
  }
  return (own.parent_path() / "steward-shim").string();
}

}  // namespace steward::runtime
