#include "tools/stewardctl/session.hpp"

#include "subjects/bus/mailbox.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/identity/key_file.hpp"
#include "tools/stewardctl/passphrase.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace steward::ctl {

// Woken by an eventfd, so that the main thread can wait for signals and messages at once.
class Inbox {
 public:
  Inbox() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), box_(kCapacity, [this] { wake(); }) {}

  ~Inbox() { close(fd_); }

  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  void push(bus::Message&& message) {
    if (!box_.push({std::move(message), Clock::now()})) {
      lost_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void wake() {
    const std::uint64_t one = 1;
    // Full means that it is readable already.
    [[maybe_unused]] const auto written = write(fd_, &one, sizeof one);
  }

  std::vector<Delivery> take() { return box_.take(); }

  void quieten() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = read(fd_, &count, sizeof count);
  }

  int fd() const { return fd_; }

  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kCapacity = 65'536;

  const int fd_;
  bus::Mailbox<Delivery> box_;
  std::atomic<std::uint64_t> lost_{0};
};

namespace {

constexpr std::chrono::milliseconds kRefusedPatience{2'000};

std::string login_name() {
  const passwd* entry = getpwuid(geteuid());
  std::string name = entry == nullptr ? fmt::format("uid-{}", geteuid()) : entry->pw_name;
  const auto strange = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) == 0 &&
           std::string_view("._@+-").find(c) == std::string_view::npos;
  };
  std::replace_if(name.begin(), name.end(), strange, '-');
  return name.substr(0, 128);
}

wire::Source operator_source(const Connection& connection) {
  // login_name() has only letters that a source may have, so the second reading cannot fail.
  return wire::Source::parse("/operator/" + (connection.operator_id.empty()
                                                 ? login_name()
                                                 : connection.operator_id))
      .or_else([](const Error&) { return wire::Source::parse("/operator/unnamed"); })
      .value();
}

// What signs our commands; null where no key is set.
Result<std::unique_ptr<const bus::Guard>> signing_guard(const Connection& connection) {
  if (connection.signing_key.empty()) {
    return nullptr;
  }
  auto cluster = identity::ClusterName::parse(connection.cluster);
  if (!cluster) {
    return failure(ErrorCode::bad_config, "steward.cluster: " + cluster.error().message);
  }
  auto key = identity::read_key_file(connection.signing_key, [&connection] {
    return ask_passphrase("Passphrase of " + connection.signing_key);
  });
  if (!key) {
    // A file that is not there is a mistake in the context, and no unit that nothing matches.
    const bool denied = key.error().code == ErrorCode::denied;
    return failure(denied ? ErrorCode::denied : ErrorCode::bad_config,
                   connection.signing_key + ": " + key.error().message);
  }
  return std::make_unique<const bus::Guard>(
      *std::move(cluster), std::vector<identity::PublicKey>(), *std::move(key));
}

std::vector<std::string> split_urls(const std::string& urls) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin <= urls.size()) {
    const std::size_t end = std::min(urls.find(',', begin), urls.size());
    std::string url = urls.substr(begin, end - begin);
    if (!url.empty()) {
      out.push_back(url.find("://") == std::string::npos ? "nats://" + url : std::move(url));
    }
    begin = end + 1;
  }
  return out;
}

bus::NatsOptions nats_options(const Connection& connection, std::weak_ptr<Inbox> inbox) {
  bus::NatsOptions options;
  options.servers = split_urls(connection.url);
  options.name = "stewardctl " + login_name();
  options.user = connection.user;
  options.password = connection.password;
  options.token = connection.token;
  options.credentials_file = connection.credentials_file;
  options.tls.ca = connection.ca_file;
  options.tls.certificate = connection.certificate_file;
  options.tls.key = connection.key_file;
  if (!connection.operator_id.empty() && !connection.credentials_file.empty()) {
    options.inbox_prefix = "_INBOX." + connection.operator_id;  // what such a login may hear
  }
  if (!connection.inbox_prefix.empty()) {
    options.inbox_prefix = connection.inbox_prefix;
  }
  options.longest_backoff = std::chrono::seconds(1);
  options.on_link = [inbox = std::move(inbox)](const bus::LinkStatus&) {
    if (const auto there = inbox.lock()) {
      there->wake();
    }
  };
  return options;
}

// Without the place in the library's sources that its texts begin with: "(conn.c:2088): ".
std::string plain_reason(const std::string& last_error) {
  const std::size_t end = last_error.find("): ");
  const bool has_place = last_error.starts_with('(') && end != std::string::npos;
  return has_place ? last_error.substr(end + 3) : last_error;
}

std::string next_step(const std::string& last_error) {
  const auto says = [&last_error](std::string_view text) {
    return last_error.find(text) != std::string::npos;
  };
  if (says("uthoriz") || says("uthentic") || says("ermission")) {
    return "Check NATS_USER, NATS_PASSWORD, NATS_TOKEN or NATS_CREDS, or the context.";
  }
  return "Start one: steward demo. Or name one: --server nats://HOST:PORT, NATS_URL, a context.";
}

}  // namespace

wire::Timestamp wall_clock() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

bool is_silence(const Error& error) { return error.code == ErrorCode::timed_out; }

bool Question::take(const Delivery& delivery) {
  if (delivery.message.subject != inbox_) {
    return false;
  }
  const auto status = delivery.message.headers.find("Status");
  if (delivery.message.payload.empty() && status && *status == "503") {
    nobody_listens_ = true;  // the broker's word for: no such subscription
    complete_ = true;
    return true;
  }
  if (const auto time = delivery.message.headers.find("ce-time"); time) {
    if (const auto parsed = wire::parse_time(*time); parsed) {
      answer_.station_time = *parsed;
    }
  }
  auto chunk = wire::decode_query_chunk(delivery.message.payload);
  if (!chunk) {
    error_ = std::move(chunk).error().with_context("the station's answer");
    complete_ = true;
    return true;
  }
  std::move(chunk->rows.begin(), chunk->rows.end(), std::back_inserter(answer_.rows));
  if (chunk->error) {
    error_ = std::move(chunk->error);
  }
  complete_ = complete_ || chunk->last || error_.has_value();
  answer_.took = std::chrono::duration_cast<std::chrono::milliseconds>(delivery.at - asked_);
  return true;
}

std::optional<Result<Answer>> Question::outcome(Clock::time_point now,
                                                const std::string& station) const {
  if (error_) {
    return tl::unexpected<Error>(*error_);
  }
  if (complete_ && !nobody_listens_) {
    return answer_;
  }
  if (nobody_listens_ || now >= deadline_) {
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - asked_);
    return failure(
        ErrorCode::timed_out,
        nobody_listens_
            ? fmt::format("the broker is there, but no station '{}' is on it.\nStart it: steward "
                          "run. Or name another: --station NAME",
                          station)
            : fmt::format("the broker is there, but the station '{}' did not answer within "
                          "{:.1f}s.\nLook closer: stewardctl bus doctor",
                          station,
                          static_cast<double>(waited.count()) / 1000));
  }
  return std::nullopt;
}

std::shared_ptr<Inbox> Session::new_inbox() { return std::make_shared<Inbox>(); }

Result<std::unique_ptr<Session>> Session::open(const Settings& settings) {
  STEWARD_TRY(auto guard, signing_guard(settings.connection));
  auto inbox = new_inbox();
  auto opened = bus::NatsBus::open(nats_options(settings.connection, inbox));
  if (!opened) {
    return tl::unexpected<Error>(std::move(opened).error().with_context(settings.connection.url));
  }
  auto session =
      std::make_unique<Session>(*std::move(opened), std::move(inbox), settings, std::move(guard));
  if (auto up = session->wait_for_link(settings.timeout); !up) {
    return tl::unexpected<Error>(std::move(up).error());
  }
  return session;
}

Session::Session(std::unique_ptr<bus::Bus> bus,
                 std::shared_ptr<Inbox> inbox,
                 Settings settings,
                 std::unique_ptr<const bus::Guard> guard)
    : settings_(std::move(settings)),
      inbox_(std::move(inbox)),
      bus_(std::move(bus)),
      guard_(std::move(guard)),
      new_id_(bus::system_ids()),
      channel_(operator_source(settings_.connection),
               wire::Completeness::filled_in,
               new_id_,
               guard_.get()) {}

Session::~Session() = default;

// A broker that says no, or is not there, is given a moment to come back, not the whole timeout.
Result<void> Session::wait_for_link(std::chrono::milliseconds timeout) {
  const auto begun = Clock::now();
  while (true) {
    const bus::LinkStatus status = bus_->status();
    if (status.state == bus::LinkState::up) {
      return {};
    }
    const auto patience = status.last_error.empty() ? timeout : std::min(timeout, kRefusedPatience);
    if (Clock::now() - begun >= patience) {
      return failure(
          ErrorCode::unavailable,
          fmt::format("cannot reach the broker at {} ({}): {}.\n{}",
                      settings_.connection.url,
                      settings_.origin,
                      status.last_error.empty() ? "no answer" : plain_reason(status.last_error),
                      next_step(status.last_error)));
    }
    if (wait(std::min(begun + patience, Clock::now() + std::chrono::milliseconds(100))) ==
        Woken::interrupted) {
      return failure(ErrorCode::unavailable, "interrupted while connecting");
    }
  }
}

wire::MessageId Session::new_id() const { return new_id_(wall_clock()); }

wire::Envelope Session::envelope(wire::Subject subject) const {
  return channel_.envelope(std::move(subject), wall_clock());
}

bus::Message Session::seal(const wire::Envelope& envelope, std::string payload) const {
  return channel_.seal(envelope, std::move(payload));
}

Result<void> Session::publish(const bus::Message& message) { return bus_->publish(message); }

Result<void> Session::listen(const std::string& subject) {
  auto subscription = bus_->subscribe(subject, sink());
  if (!subscription) {
    return tl::unexpected<Error>(std::move(subscription).error());
  }
  subscriptions_.push_back(*std::move(subscription));
  return {};
}

bus::Bus::Sink Session::sink() const {
  return [inbox = inbox_](bus::Message&& message) { inbox->push(std::move(message)); };
}

Session::Woken Session::wait(Clock::time_point until) {
  if (!kept_.empty()) {
    return Woken::readable;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  const Woken woken = Interrupts::wait(inbox_->fd(), left);
  if (woken == Woken::readable) {
    inbox_->quieten();
  }
  return woken;
}

std::vector<Delivery> Session::take() {
  std::vector<Delivery> out = std::exchange(kept_, {});
  std::vector<Delivery> fresh = inbox_->take();
  std::move(fresh.begin(), fresh.end(), std::back_inserter(out));
  return out;
}

std::uint64_t Session::lost() const { return inbox_->lost() + bus_->status().overruns; }

Result<std::unique_ptr<Question>> Session::ask(std::string_view what,
                                               const wire::QueryRequest& request,
                                               std::chrono::milliseconds timeout) {
  return ask_on(fmt::format("query.{}", what), "application/json", wire::encode(request), timeout);
}

Result<std::unique_ptr<Question>> Session::ask_on(std::string_view route,
                                                  std::string content_type,
                                                  std::string payload,
                                                  std::chrono::milliseconds timeout) {
  STEWARD_TRY(auto subject,
              wire::Subject::parse(fmt::format("{}.command.{}", settings_.station, route)));
  const auto now = Clock::now();
  auto question = std::make_unique<Question>(bus_->new_inbox(), now, now + timeout);
  auto subscription = bus_->subscribe(question->inbox_, sink());
  if (!subscription) {
    return tl::unexpected<Error>(std::move(subscription).error());
  }
  question->subscription_ = *std::move(subscription);
  auto asking = envelope(std::move(subject));
  asking.content_type = std::move(content_type);
  bus::Message message = seal(asking, std::move(payload));
  message.reply = question->inbox_;
  if (auto sent = publish(message); !sent) {
    return tl::unexpected<Error>(std::move(sent).error().with_context("ask the station"));
  }
  return question;
}

Result<Answer> Session::query(std::string_view what,
                              const wire::QueryRequest& request,
                              std::chrono::milliseconds timeout) {
  STEWARD_TRY(const auto question, ask(what, request, timeout));
  return await(*question);
}

Result<Answer> Session::request(std::string_view route,
                                std::string content_type,
                                std::string payload,
                                std::chrono::milliseconds timeout) {
  STEWARD_TRY(const auto question,
              ask_on(route, std::move(content_type), std::move(payload), timeout));
  return await(*question);
}

Result<Answer> Session::await(Question& question) {
  std::vector<Delivery> others = std::exchange(kept_, {});
  auto outcome = question.outcome(Clock::now(), settings_.station);
  while (!outcome) {
    if (wait(question.deadline()) == Woken::interrupted) {
      outcome = failure(ErrorCode::internal, "interrupted");
    }
    for (Delivery& delivery : inbox_->take()) {
      if (!question.take(delivery)) {
        others.push_back(std::move(delivery));
      }
    }
    if (!outcome) {
      outcome = question.outcome(Clock::now(), settings_.station);
    }
  }
  kept_ = std::move(others);
  return *std::move(outcome);
}

Result<Answer> Session::query(std::string_view what, const wire::QueryRequest& request) {
  return query(what, request, settings_.timeout);
}

}  // namespace steward::ctl
