#include "handlers/daemon/probe.hpp"

#include <netdb.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace steward::handlers::daemon {
namespace {

constexpr std::size_t kLongestAnswer = 4'096;  // its first line is what counts

struct Url {
  std::string host;
  std::string port = "80";
  std::string path = "/";
};

// Of "http://host:port/path".
Url parts_of(std::string_view url) {
  url.remove_prefix(std::string_view("http://").size());
  Url parts;
  const auto slash = std::min(url.find('/'), url.size());
  if (slash < url.size()) {
    parts.path = url.substr(slash);
  }
  auto place = url.substr(0, slash);
  const auto colon = place.rfind(':');
  if (colon != std::string_view::npos && place.find(']', colon) == std::string_view::npos) {
    parts.port = place.substr(colon + 1);
    place = place.substr(0, colon);
  }
  parts.host = place;
  return parts;
}

// An address of IPv6 is written in brackets.
std::string bare(std::string host) {
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return host;
}

// The status of "HTTP/1.1 200 OK"; 0: it is none.
int status_of(std::string_view line) {
  const auto space = line.find(' ');
  int status = 0;
  if (line.starts_with("HTTP/") && space != std::string_view::npos) {
    std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  }
  return status;
}

}  // namespace

Probe::Probe(runtime::Context& context, const wire::DaemonCheck& check, Done done)
    : context_(context),
      check_(check),
      done_(std::move(done)),
      patience_(context.loop, [this] { end(failure(ErrorCode::timed_out, "no answer in time")); }),
      later_(context.loop,
             [this] {
               const auto early = early_;
               end(early);
             }),
      alive_(std::make_shared<Probe*>(this)) {
  using By = wire::DaemonCheck::By;
  patience_.start(check_.timeout);
  if (check_.by == By::exec) {
    run_program();
  } else if (check_.by == By::unix_socket) {
    connect_unix();
  } else if (check_.by == By::tcp) {
    const auto colon = check_.address.rfind(':');
    find_host(bare(check_.address.substr(0, colon)), check_.address.substr(colon + 1));
  } else {
    const auto url = parts_of(check_.url);
    question_ = "GET " + url.path + " HTTP/1.1\r\nHost: " + url.host +
                "\r\nUser-Agent: steward\r\nConnection: close\r\n\r\n";
    find_host(bare(url.host), url.port);
  }
}

Probe::~Probe() = default;

void Probe::end(const Result<void>& result) {
  patience_.stop();
  watcher_.reset();
  const auto done = done_;
  done(result);  // may destroy this
}

void Probe::run_program() {
  program_ = std::make_unique<runtime::ProgramRun>(
      context_.loop,
      runtime::ProgramRun::Request{.argv = check_.argv, .env = {}, .timeout = check_.timeout},
      [this](const Result<runtime::ProgramRun::End>& ended) {
        if (!ended) {
          end(tl::unexpected<Error>(ended.error()));
        } else if (ended->status.code == 0) {
          end({});
        } else {
          end(failure(ErrorCode::exec_failed, "the program says " + runtime::shown(ended->status)));
        }
      });
  if (auto started = program_->start(context_.processes); !started) {
    early_ = std::move(started);
    later_.start(std::chrono::milliseconds(0));
  }
}

void Probe::connect_unix() {
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr_un*>(&storage);
  address->sun_family = AF_UNIX;
  std::strncpy(address->sun_path, check_.address.c_str(), sizeof address->sun_path - 1);
  connect(storage, sizeof(sockaddr_un));
}

// Numbers are no question to a name service.
void Probe::find_host(std::string host, std::string port) {
  struct Found {
    sockaddr_storage address{};
    socklen_t size = 0;
  };

  const auto look = [host = std::move(host), port = std::move(port)](int flags, Found& found) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (::getaddrinfo(host.c_str(), port.c_str(), &wanted, &list) == 0 && list != nullptr) {
      found.size = list->ai_addrlen;
      std::memcpy(&found.address, list->ai_addr, list->ai_addrlen);
      ::freeaddrinfo(list);
    }
  };
  auto found = std::make_shared<Found>();
  look(AI_NUMERICHOST, *found);
  if (found->size != 0) {
    return connect(found->address, found->size);
  }
  context_.loop.work([look, found] { look(0, *found); },
                     [this, found, alive = std::weak_ptr<Probe*>(alive_)] {
                       if (alive.expired()) {
                         return;
                       }
                       found->size != 0
                           ? connect(found->address, found->size)
                           : end(failure(ErrorCode::not_found, "its host is not to be found"));
                     });
}

void Probe::connect(const sockaddr_storage& address, socklen_t size) {
  socket_ = runtime::Fd(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket_.get(), generic, size) != 0 && errno != EINPROGRESS) {
    early_ = tl::unexpected<Error>(system_error(errno, "connect"));
    later_.start(std::chrono::milliseconds(0));
    return;
  }
  watcher_ =
      std::make_unique<runtime::FdWatcher>(context_.loop, socket_.get(), [this] { connected(); });
  std::ignore = watcher_->start(runtime::Ready::writable);
}

void Probe::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    return end(tl::unexpected<Error>(system_error(error, "connect")));
  }
  if (question_.empty()) {
    return end({});
  }
  if (::send(socket_.get(), question_.data(), question_.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(question_.size())) {
    return end(tl::unexpected<Error>(system_error(errno, "ask")));
  }
  watcher_.reset();
  watcher_ =
      std::make_unique<runtime::FdWatcher>(context_.loop, socket_.get(), [this] { answered(); });
  std::ignore = watcher_->start(runtime::Ready::readable);
}

void Probe::answered() {
  std::array<char, 1'024> buffer{};
  const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (got > 0) {
    answer_.append(buffer.data(), static_cast<std::size_t>(got));
  }
  const auto line_end = answer_.find('\n');
  if (line_end == std::string::npos && got > 0 && answer_.size() < kLongestAnswer) {
    return;
  }
  const int status = status_of(answer_.substr(0, line_end));
  const bool good = check_.expect == 0 ? status >= 200 && status < 400 : status == check_.expect;
  end(good          ? Result<void>()
      : status == 0 ? failure(ErrorCode::io, "what answers does not speak HTTP")
                    : failure(ErrorCode::io, "answers with status " + std::to_string(status)));
}

}  // namespace steward::handlers::daemon
