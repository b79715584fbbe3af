#include "edge/shim/keeper.hpp"

#include "handlers/runtime/launch/shim_folder.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace steward::shim {
namespace {

constexpr int kTellOutputMs = 100;
constexpr int kTryAgainMs = 1'000;
constexpr int kReadsATurn = 64;

char buffer[32 * 1024];

long long now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000LL + now.tv_nsec / 1'000'000;
}

long long micros(const timeval& time) { return time.tv_sec * 1'000'000LL + time.tv_usec; }

bool write_all(int fd, const char* text) {
  return write(fd, text, strlen(text)) == static_cast<ssize_t>(strlen(text));
}

// Whole or not at all, and on disk when it returns.
bool write_file(const char* name, const char* text) {
  char draft[32];
  snprintf(draft, sizeof draft, "%s.new", name);
  const int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    return false;
  }
  const bool good = write_all(fd, text) && fsync(fd) == 0;
  close(fd);
  if (!good || rename(draft, name) != 0) {
    return false;
  }
  const int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool kept = folder >= 0 && fsync(folder) == 0;
  close(folder);
  return kept;
}

// Removed, with all that was in it: it has no name any more.
bool is_folder_gone() {
  struct stat status {};

  return stat(".", &status) == 0 && status.st_nlink == 0;
}

int make_pipe(int& writing) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return -1;
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);  // our end only
  writing = ends[1];
  return ends[0];
}

void close_if_open(int& fd) {
  if (fd >= 0) {
    close(fd);
  }
  fd = -1;
}

}  // namespace

void Keeper::run() {
  prepare();
  start();
  while (!over()) {
    turn();
  }
}

void Keeper::prepare() {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&set, signal);
  }
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  for (int i = 0; i < (order_.merge != 0 ? 1 : 2); ++i) {
    streams_[i].spool.open(i + 1, order_.segment_bytes, order_.keep_bytes);
    streams_[i].told = -1;
  }
}

void Keeper::start() {
  ChildEnds ends;
  streams_[0].fd = make_pipe(ends.out);
  if (order_.merge == 0) {
    streams_[1].fd = make_pipe(ends.err);
  }
  if (order_.in != nullptr) {
    ends.in = open(order_.in, O_RDONLY | O_CLOEXEC);
  }
  if (order_.ready_fd > 2) {
    ready_pipe_ = make_pipe(ends.ready);
  }
  if (order_.notify != 0 &&
      notifications_.open(order_.other_identity != 0 ? order_.uid : getuid())) {
    order_.env[order_.env_count] = notifications_.variable();
  }
  const Started started = launch(order_, ends);
  for (int* end : {&ends.in, &ends.out, &ends.err, &ends.ready}) {
    close_if_open(*end);
  }
  if (started.report.step != runtime::LaunchStep::none) {
    snprintf(end_,
             sizeof end_,
             "failed %d %d\n",
             static_cast<int>(started.report.step),
             started.report.error);
    told_ = line_.say(end_);
    write_exit();
    alone_ = true;
    return;
  }
  child_ = started.pid;
  child_lives_ = true;
  char text[32];
  snprintf(text, sizeof text, "%d\n", child_);
  const int file = open(runtime::shim::kChildFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file >= 0) {
    (void)write_all(file, text);
    close(file);
  }
}

// How things stand, for who has just come.
void Keeper::tell_all() {
  char text[64];
  snprintf(text, sizeof text, "shim %d", getpid());
  line_.say(text);
  if (child_ != 0) {
    snprintf(text, sizeof text, "started %d", child_);
    line_.say(text);
  }
  for (Stream& stream : streams_) {
    stream.told = -1;
  }
  tell_output();
  if (ready_) {
    line_.say("ready");
  }
  if (status_[0] != 0) {
    line_.say(status_);
  }
  if (end_[0] != 0) {
    told_ = line_.say(end_) || told_;
  }
}

void Keeper::tell_output() {
  output_told_ = now_ms();
  for (int i = 0; i < 2; ++i) {
    Stream& stream = streams_[i];
    if (stream.told == stream.spool.total()) {
      continue;
    }
    char text[64];
    snprintf(text, sizeof text, "output %d %lld", i + 1, stream.spool.total());
    if (line_.say(text)) {
      stream.told = stream.spool.total();
    }
  }
}

int Keeper::wait() {
  if (end_[0] != 0 && !written_) {
    return kTryAgainMs;
  }
  const bool untold = streams_[0].told != streams_[0].spool.total() ||
                      streams_[1].told != streams_[1].spool.total();
  return line_.fd() >= 0 && untold ? kTellOutputMs : -1;
}

void Keeper::turn() {
  pollfd fds[] = {{signals_, POLLIN, 0},
                  {line_.listening(), POLLIN, 0},
                  {line_.fd(), POLLIN, 0},
                  {streams_[0].fd, POLLIN, 0},
                  {streams_[1].fd, POLLIN, 0},
                  {notifications_.fd(), POLLIN, 0},
                  {ready_pipe_, POLLIN, 0}};
  const int waited = wait();
  const int got = poll(fds, sizeof fds / sizeof fds[0], waited);
  if (got == 0 && waited == kTryAgainMs) {
    write_exit();
  }
  if (fds[3].revents != 0) {
    read_stream(0);
  }
  if (fds[4].revents != 0) {
    read_stream(1);
  }
  if (fds[5].revents != 0) {
    read_notifications();
  }
  if (fds[6].revents != 0) {
    read_ready();
  }
  if (fds[2].revents != 0) {
    while (const int signal = line_.next_signal()) {
      if (child_lives_) {
        kill(child_, signal);
      }
    }
  }
  if (fds[1].revents != 0) {
    line_.accept();
    tell_all();
  }
  if (fds[0].revents != 0) {
    read_signals();
  }
  if (now_ms() - output_told_ >= kTellOutputMs) {
    tell_output();
  }
}

void Keeper::read_stream(int number) {
  Stream& stream = streams_[number];
  for (int i = 0; i < kReadsATurn && stream.fd >= 0; ++i) {
    const ssize_t got = read(stream.fd, buffer, sizeof buffer);
    if (got > 0) {
      stream.spool.append(buffer, static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      close_if_open(stream.fd);
    } else {
      return;
    }
  }
}

void Keeper::read_notifications() {
  while (const char* message = notifications_.take()) {
    char line[512];
    while (*message != 0) {
      const char* end = strchrnul(message, '\n');
      const auto length = static_cast<std::size_t>(end - message);
      if (length > 0 && length < sizeof line) {
        memcpy(line, message, length);
        line[length] = 0;
        take_line(line);
      }
      message = *end == 0 ? end : end + 1;
    }
  }
}

void Keeper::take_line(const char* line) {
  if (strcmp(line, "READY=1") == 0) {
    become_ready();
    return;
  }
  char text[sizeof status_];
  snprintf(text, sizeof text, "notify %s", line);
  if (strncmp(line, "STATUS=", 7) == 0) {
    memcpy(status_, text, sizeof status_);
  }
  line_.say(text);
}

void Keeper::read_ready() {
  const ssize_t got = read(ready_pipe_, buffer, sizeof buffer);
  if (got > 0 && memchr(buffer, '\n', static_cast<std::size_t>(got)) != nullptr) {
    become_ready();
    close_if_open(ready_pipe_);
  } else if (got == 0) {
    close_if_open(ready_pipe_);
  }
}

void Keeper::become_ready() {
  ready_ = true;
  line_.say("ready");
}

// SIGTERM and its like mean the child: the machine goes down, or somebody ends what he sees.
void Keeper::read_signals() {
  signalfd_siginfo info;
  while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGCHLD && child_lives_) {
      kill(child_, static_cast<int>(info.ssi_signo));
    }
  }
  reap();
}

void Keeper::reap() {
  for (;;) {
    int status = 0;
    rusage usage{};
    const pid_t pid = wait4(-1, &status, WNOHANG, &usage);
    if (pid > 0 && pid == child_ && child_lives_) {
      ended(status, usage);
    } else if (pid <= 0) {
      alone_ = pid < 0 && errno == ECHILD;
      return;
    }
  }
}

// Told before it is written: the disk may take its time, and the agent writes it down, too.
void Keeper::ended(int status, const rusage& usage) {
  child_lives_ = false;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(end_,
           sizeof end_,
           "exited %d %d %d %lld %lld %lld %ld\n",
           WIFEXITED(status) ? WEXITSTATUS(status) : -1,
           WIFSIGNALED(status) ? WTERMSIG(status) : 0,
           WIFSIGNALED(status) && WCOREDUMP(status) ? 1 : 0,
           now.tv_sec * 1'000'000LL + now.tv_nsec / 1'000,
           micros(usage.ru_utime),
           micros(usage.ru_stime),
           usage.ru_maxrss * 1024L);
  read_stream(0);
  read_stream(1);
  tell_output();
  told_ = line_.say(end_);
  write_exit();
}

void Keeper::write_exit() { written_ = written_ || write_file(runtime::shim::kExitFile, end_); }

// Where the disk does not take how it ended, it waits for somebody who hears it; where its folder
// is gone, nobody ever will.
bool Keeper::over() {
  if (end_[0] == 0 || !alone_ || (!written_ && !told_ && !is_folder_gone())) {
    return false;
  }
  read_stream(0);
  read_stream(1);
  tell_output();
  return true;
}

}  // namespace steward::shim
