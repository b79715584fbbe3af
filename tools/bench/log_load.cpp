#include "tools/bench/log_load.hpp"

#include "tools/bench/sockets.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace steward::bench {

namespace {

constexpr const char* kRsyslogd = "/usr/sbin/rsyslogd";
constexpr std::size_t kLinesAtOnce = 1'000;  // lines that are made at once
constexpr std::size_t kDifferent = 50'000;   // lines before they begin again

// Small numbers that look like chance, and are the same in each run.
std::uint32_t scattered(std::size_t number, std::uint32_t salt, std::uint32_t most) {
  auto value = static_cast<std::uint32_t>(number) * 2654435761U + salt * 40503U;
  value ^= value >> 15U;
  value *= 2246822519U;
  value ^= value >> 13U;
  return value % most;
}

std::string line(std::size_t number, LogInput input) {
  const auto pick = [number](std::uint32_t salt, std::uint32_t most) {
    return scattered(number, salt, most);
  };
  std::string text = input == LogInput::file ? "" : fmt::format("<{}>", 8 * (3 + pick(1, 8)) + 6);
  text += fmt::format("Nov 22 02:{:02}:{:02} ship9 ", number / 6'000 % 60, number / 100 % 60);
  switch (pick(2, 4)) {
    case 0:
      text +=
          fmt::format("sshd[{}]: Failed password for invalid user {} from 10.{}.{}.{} port {} ssh2",
                      1'000 + pick(3, 30'000),
                      std::array{"admin", "oracle", "test", "guest"}[pick(4, 4)],
                      pick(5, 256),
                      pick(6, 256),
                      pick(7, 256),
                      1'024 + pick(8, 60'000));
      break;
    case 1:
      text += fmt::format(
          "kernel: [{}.{:06}] IN=eth0 OUT= SRC=192.0.2.{} DST=198.51.100.{} LEN={} TTL=64 "
          "PROTO=TCP DPT={}",
          100'000 + number / 100,
          pick(3, 1'000'000),
          pick(4, 256),
          pick(5, 256),
          40 + pick(6, 1'400),
          pick(7, 65'536));
      break;
    case 2:
      text += fmt::format(
          "CRON[{}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
          1'000 + pick(3, 30'000));
      break;
    default:
      text += fmt::format(
          "nginx: 203.0.113.{} - - \"GET /api/v1/items/{}?page={} HTTP/1.1\" 200 {} \"-\" "
          "\"curl/7.88.1\" {}",
          pick(3, 256),
          pick(4, 1'000'000),
          pick(5, 50),
          pick(6, 90'000),
          number);
      break;
  }
  return text + '\n';
}

Result<void> send_whole(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      return tl::unexpected(system_error(errno, "send lines"));
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

}  // namespace

std::string log_lines(std::size_t first, std::size_t count, LogInput input) {
  std::string text;
  for (auto number = first; number < first + count; ++number) {
    text += line(number, input);
  }
  return text;
}

Result<void> write_log(const std::filesystem::path& path, std::size_t count) {
  std::ofstream file(path, std::ios::binary);
  for (std::size_t number = 0; number < count; number += kLinesAtOnce) {
    file << log_lines(number, std::min(kLinesAtOnce, count - number), LogInput::file);
  }
  file.flush();
  return file ? Result<void>() : tl::unexpected(system_error(errno, "write " + path.string()));
}

Result<void> send_by_tcp(std::uint16_t port, std::size_t count) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(port);
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0) {
    return failure(ErrorCode::unavailable, "nobody takes lines on port " + std::to_string(port));
  }
  // Made before they are sent: making them must not be what is measured.
  const auto different = std::min(count, kDifferent);
  const auto text = log_lines(0, different, LogInput::tcp);
  for (std::size_t sent = 0; sent < count; sent += different) {
    auto part = std::string_view(text);
    std::string rest;
    if (count - sent < different) {
      rest = log_lines(0, count - sent, LogInput::tcp);
      part = rest;
    }
    if (auto done = send_whole(socket.number(), part); !done) {
      return done;
    }
  }
  return {};
}

Result<void> send_datagrams(const std::filesystem::path& path, std::size_t count) {
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0) {
    return failure(ErrorCode::unavailable, "nobody listens at " + path.string());
  }
  std::vector<std::string> lines;
  for (std::size_t number = 0; number < std::min(count, kDifferent); ++number) {
    lines.push_back(line(number, LogInput::datagrams));
    lines.back().pop_back();
  }
  std::array<iovec, 64> parts{};
  std::array<mmsghdr, 64> messages{};
  for (std::size_t sent = 0; sent < count;) {
    const auto some = std::min(messages.size(), count - sent);
    for (std::size_t i = 0; i < some; ++i) {
      auto& text = lines[(sent + i) % lines.size()];
      parts[i] = {text.data(), text.size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int done = ::sendmmsg(socket.number(), messages.data(), static_cast<unsigned>(some), 0);
    if (done <= 0) {
      return tl::unexpected(system_error(errno, "send datagrams"));
    }
    sent += static_cast<std::size_t>(done);
  }
  return {};
}

LineSink::LineSink(int listening, std::uint16_t port)
    : listening_(listening), port_(port), thread_([this] { run(); }) {}

Result<std::unique_ptr<LineSink>> LineSink::start() {
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listening, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listening, 16) != 0 ||
      ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    const auto error = system_error(errno, "listen for lines");
    ::close(listening);
    return tl::unexpected(error);
  }
  return std::unique_ptr<LineSink>(new LineSink(listening, ntohs(address.sin_port)));
}

LineSink::~LineSink() {
  over_ = true;
  thread_.join();
  ::close(listening_);
}

bool LineSink::take_from(int socket) {
  thread_local std::array<char, 256 * 1024> buffer;
  const auto got = ::recv(socket, buffer.data(), buffer.size(), 0);
  if (got <= 0) {
    return false;
  }
  lines_ += static_cast<std::uint64_t>(std::count(buffer.data(), buffer.data() + got, '\n'));
  bytes_ += static_cast<std::uint64_t>(got);
  return true;
}

void LineSink::run() {
  std::vector<pollfd> watched{{listening_, POLLIN, 0}};
  while (!over_) {
    if (::poll(watched.data(), watched.size(), 50) <= 0) {
      continue;
    }
    for (std::size_t i = watched.size() - 1; i > 0; --i) {
      if (watched[i].revents != 0 && !take_from(watched[i].fd)) {
        ::close(watched[i].fd);
        watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (watched[0].revents != 0) {
      watched.push_back({::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
    }
  }
  for (std::size_t i = 1; i < watched.size(); ++i) {
    ::close(watched[i].fd);
  }
}

Result<std::unique_ptr<ChildProcess>> start_rsyslogd(const std::filesystem::path& folder,
                                                     LogInput input,
                                                     const std::string& place,
                                                     const LineSink& sink) {
  std::filesystem::create_directories(folder);
  std::string config = fmt::format("global(workDirectory=\"{}\")\n", folder.string());
  switch (input) {
    case LogInput::file:
      config += fmt::format(
          "module(load=\"imfile\" mode=\"inotify\")\n"
          "input(type=\"imfile\" file=\"{}\" tag=\"bench\")\n",
          place);
      break;
    case LogInput::tcp:
      config += fmt::format(
          "module(load=\"imptcp\")\n"
          "input(type=\"imptcp\" address=\"127.0.0.1\" port=\"{}\")\n",
          place);
      break;
    case LogInput::datagrams:
      config += fmt::format(
          "module(load=\"imuxsock\" SysSock.Use=\"off\")\n"
          "input(type=\"imuxsock\" Socket=\"{}\" RateLimit.Interval=\"0\")\n",
          place);
      break;
  }
  config += fmt::format(
      "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\" "
      "queue.type=\"LinkedList\" queue.size=\"100000\" queue.filename=\"forward\" "
      "queue.maxDiskSpace=\"1g\" "
      "queue.saveOnShutdown=\"on\" action.resumeRetryCount=\"-1\")\n",
      sink.port());
  const auto file = folder / "rsyslog.conf";
  std::ofstream(file) << config;
  return ChildProcess::start(
      {kRsyslogd, "-n", "-f", file.string(), "-i", (folder / "rsyslogd.pid").string()},
      {},
      folder / "rsyslogd.log");
}

}  // namespace steward::bench
