#include "handlers/syslogforwarding/syslogforwarding.hpp"

#include "handlers/runtime/answer.hpp"
#include "handlers/syslogforwarding/replay.hpp"
#include "handlers/syslogforwarding/sources/datagram_source.hpp"
#include "handlers/syslogforwarding/sources/file_source.hpp"
#include "handlers/syslogforwarding/sources/journal_source.hpp"
#include "handlers/syslogforwarding/sources/kernel_source.hpp"
#include "handlers/syslogforwarding/sources/tcp_source.hpp"
#include "handlers/syslogforwarding/spool_check.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kSourcePause{5'000};
constexpr milliseconds kSyncPause{1'000};
constexpr milliseconds kLookForWork{5'000};
constexpr milliseconds kRateTime{10'000};

// At the end the broker is waited for, so often and so long.
constexpr milliseconds kLeavePause{20};
constexpr int kLeavePatience = 100;

// What handlers/daemon promises of its folder.
std::string daemons_of(const runtime::Context& context) {
  const auto agent = context.state_dir.parent_path().parent_path();
  return agent / "daemon" / "*" / "logs" / context.domain.str() / "*";
}

}  // namespace

SyslogForwardingHandler::SyslogForwardingHandler(runtime::Context& context)
    : context_(context),
      settings_(read_options(context.options)),
      parser_(machine_zone()),
      look_(context.loop,
            [this] {
              if (!has_work()) {
                return;
              }
              look_.stop();
              if (auto begun = begin(); !begun) {
                context_.log.warning("does not forward: " + begun.error().text());
                look_.start(kLookForWork);
              }
            }),
      retry_(context.loop, [this] { start_sources(); }),
      sync_(context.loop,
            [this] {
              if (auto synced = store_->sync(); !synced) {
                context_.log.warning(synced.error().text());
              }
              tell_figures();
            }),
      leaving_(context.loop, [this] { wait_for_end(); }) {
  settings_.daemons = daemons_of(context);
}

SyslogForwardingHandler::~SyslogForwardingHandler() { end(); }

Result<void> SyslogForwardingHandler::start() {
  auto kept = load_settings(context_.state_dir, settings_);
  if (kept) {
    settings_ = *std::move(kept);
  } else {
    context_.log.warning("settings are not as they were set: " + kept.error().text());
  }
  if (settings_.running && has_work()) {
    return begin();
  }
  if (settings_.running) {
    look_.start_every(kLookForWork);
  }
  return {};
}

bool SyslogForwardingHandler::has_work() const {
  return settings_.has_sources() || !matching(settings_.daemons).empty();
}

Result<void> SyslogForwardingHandler::begin() {
  STEWARD_TRY(auto opened, Store::open(context_.state_dir / "logs.db"));
  if (!opened.notice.empty()) {
    context_.log.error(opened.notice);
  }
  store_ = std::move(opened.store);
  STEWARD_TRY(auto left, store_->feeds());
  forwarder_ = std::make_unique<Forwarder>(context_, settings_, *store_, [this] {
    for (const auto& running : sources_) {
      running.source->go_on();
    }
  });
  make_sources(std::move(left));
  start_sources();
  sync_.start_every(kSyncPause);
  forwarded_ = 0;
  rated_ = context_.clock.steady();
  return {};
}

void SyslogForwardingHandler::make_sources(std::vector<std::shared_ptr<Feed>> left) {
  using Kind = DatagramSource::Kind;
  if (settings_.journal) {
    add(std::make_unique<JournalSource>(context_, *forwarder_, settings_, left));
  }
  if (!settings_.kernel.empty()) {
    add(std::make_unique<KernelSource>(context_, *forwarder_, settings_, left));
  }
  left.erase(
      std::remove_if(left.begin(), left.end(), [](const auto& feed) { return feed->path.empty(); }),
      left.end());
  add(std::make_unique<FileSource>(context_, *forwarder_, settings_, parser_, std::move(left)));
  for (const auto& path : settings_.unix_sockets) {
    add(std::make_unique<DatagramSource>(
        context_, *forwarder_, settings_, parser_, Kind::unix_socket, path));
  }
  for (const auto& address : settings_.udp) {
    add(std::make_unique<DatagramSource>(
        context_, *forwarder_, settings_, parser_, Kind::udp, address));
  }
  for (const auto& address : settings_.tcp) {
    add(std::make_unique<TcpSource>(context_, *forwarder_, settings_, parser_, address));
  }
  for (const auto& address : settings_.tls) {
    add(std::make_unique<TcpSource>(
        context_, *forwarder_, settings_, parser_, address, settings_.tls_files));
  }
}

void SyslogForwardingHandler::add(std::unique_ptr<LogSource> source) {
  sources_.push_back({std::move(source)});
}

// A socket that is in use now may be free later: the others must not wait for it.
void SyslogForwardingHandler::start_sources() {
  bool all = true;
  for (auto& running : sources_) {
    if (running.works) {
      continue;
    }
    const auto started = running.source->start();
    running.works = started.has_value();
    const auto error = started ? std::string() : started.error().text();
    if (error != running.error && !error.empty()) {
      context_.log.warning(running.source->name() + " is not heard: " + error);
    }
    running.error = error;
    all = all && running.works;
  }
  if (!all) {
    retry_.start(kSourcePause);
  }
}

void SyslogForwardingHandler::end() {
  look_.stop();
  retry_.stop();
  sync_.stop();
  sources_.clear();
  if (forwarder_) {
    forwarder_->flush();
    forwarder_->save();
  }
  forwarder_.reset();
  store_.reset();
  context_.vitals.figures_told(context_.method, context_.domain, {});
}

void SyslogForwardingHandler::tell_figures() {
  const auto now = context_.clock.steady();
  const auto forwarded = forwarder_->counts().forwarded;
  if (now - rated_ >= kRateTime) {
    const std::chrono::duration<double> passed = now - rated_;
    const auto lines = static_cast<double>(forwarded - std::exchange(forwarded_, forwarded));
    lines_a_second_ = static_cast<std::int64_t>(lines / passed.count());
    rated_ = now;
  }
  std::int64_t behind = 0;
  for (const auto& running : sources_) {
    if (const auto* files = dynamic_cast<const FileSource*>(running.source.get())) {
      behind += static_cast<std::int64_t>(files->behind());
    }
  }
  context_.vitals.figures_told(
      context_.method,
      context_.domain,
      {{"lag_ms", std::chrono::duration_cast<milliseconds>(forwarder_->lag()).count()},
       {"behind_bytes", behind},
       {"lines_s", lines_a_second_},
       {"spool_bytes", static_cast<std::int64_t>(store_->spool_bytes())},
       {"dropped", static_cast<std::int64_t>(forwarder_->counts().dropped)}});
}

void SyslogForwardingHandler::link_up() {
  if (forwarder_) {
    forwarder_->link_up();
  }
}

// What waits in batches goes to the spool, or out: a short time for the broker to say so.
void SyslogForwardingHandler::stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  for (const auto& running : sources_) {
    running.source->take_rest();
  }
  sources_.clear();
  if (forwarder_) {
    forwarder_->flush();
  }
  wait_for_end();
}

void SyslogForwardingHandler::wait_for_end() {
  const bool over = !forwarder_ || forwarder_->idle() || !context_.publisher.link_up() ||
                    ++patience_ > kLeavePatience;
  if (!over) {
    leaving_.start(kLeavePause);
    return;
  }
  end();
  stopped_();
}

Result<runtime::Admission> SyslogForwardingHandler::receive(const runtime::Command& command) {
  STEWARD_TRY(auto request, wire::decode_log_request(command.payload));
  if (auto filter = Condition::parse(request.filter); !filter) {
    return tl::unexpected<Error>(std::move(filter).error());
  }
  auto ignored = request.ignored;
  return runtime::Admission{.ignored = std::move(ignored),
                            .start =
                                [this, id = command.envelope.id, asked = std::move(request)] {
                                  runtime::answer(context_, id, act(asked));
                                },
                            .repeatable = true};
}

Result<std::string> SyslogForwardingHandler::act(const wire::LogRequest& request) {
  using Op = wire::LogRequest::Op;
  if (request.op == Op::status) {
    return status();
  }
  if (request.op == Op::replay) {
    return replay(request);
  }
  if (request.op == Op::spool) {
    return spool();
  }
  auto changed = settings_;
  if (request.op == Op::filter) {
    STEWARD_TRY(changed.filter, Condition::parse(request.filter));
  } else {
    changed.running = request.op == Op::start;
  }
  if (auto saved = save_settings(context_.state_dir, changed); !saved) {
    return tl::unexpected<Error>(std::move(saved).error());
  }
  settings_.filter = std::move(changed.filter);
  settings_.running = changed.running;
  if (!settings_.running) {
    end();
  } else if (!forwarder_ && has_work()) {
    look_.stop();
    if (auto begun = begin(); !begun) {
      return tl::unexpected<Error>(std::move(begun).error());
    }
  } else if (!forwarder_) {
    look_.start_every(kLookForWork);
  }
  return status();
}

// As over a restart: what is read is opened again, at the places that the store then has.
Result<std::string> SyslogForwardingHandler::replay(const wire::LogRequest& request) {
  if (!forwarder_) {
    return failure(ErrorCode::conflict, "it is stopped, or has nothing to forward: start it first");
  }
  for (const auto& running : sources_) {
    running.source->take_rest();
  }
  end();
  auto replayed = Store::open(context_.state_dir / "logs.db").and_then([&](Store::Opened opened) {
    return set_back(*opened.store, request, settings_, context_.clock, parser_);
  });
  if (auto begun = begin(); !begun) {
    return tl::unexpected<Error>(std::move(begun).error());
  }
  if (!replayed) {
    return tl::unexpected<Error>(std::move(replayed).error());
  }
  json rows = json::array();
  for (const auto& each : *replayed) {
    rows.push_back({{"source", each.source}, {"epoch", each.epoch}});
    if (each.note.empty()) {
      rows.back()["from"] = each.from;
    } else {
      rows.back()["note"] = each.note;
    }
  }
  auto out = json::parse(status());
  out["replayed"] = std::move(rows);
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::string> SyslogForwardingHandler::spool() const {
  if (!store_) {
    return failure(ErrorCode::conflict, "it is stopped, or has nothing to forward: start it first");
  }
  STEWARD_TRY(const auto check, check_spool(*store_));
  json row{{"batches", check.batches},
           {"lines", check.lines},
           {"bytes", check.bytes},
           {"dropped", check.dropped},
           {"damaged", check.damaged}};
  if (check.oldest) {
    row["oldest"] = wire::format_time(
        wire::Timestamp(std::chrono::milliseconds(check.oldest->unix_milliseconds())));
  }
  auto out = json::parse(status());
  out["spool"] = std::move(row);
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string SyslogForwardingHandler::status() const {
  json out{{"running", forwarder_ != nullptr}, {"filter", settings_.filter.text()}};
  json& sources = out["sources"] = json::array();
  for (const auto& running : sources_) {
    json row{{"source", running.source->name()}};
    if (!running.error.empty()) {
      row["error"] = running.error;
    }
    if (const auto* files = dynamic_cast<const FileSource*>(running.source.get())) {
      row["files"] = files->files();
      row["behind_bytes"] = files->behind();
    }
    sources.push_back(std::move(row));
  }
  if (forwarder_) {
    const auto& counts = forwarder_->counts();
    out.update({{"lines", counts.lines},
                {"filtered", counts.filtered},
                {"suppressed", counts.suppressed},
                {"dropped", counts.dropped},
                {"forwarded", counts.forwarded},
                {"batches", counts.batches},
                {"bytes", counts.bytes},
                {"repeated", counts.repeated},
                {"spool_bytes", store_->spool_bytes()},
                {"spool_batches", store_->spool_batches()}});
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace steward::handlers::syslogforwarding
