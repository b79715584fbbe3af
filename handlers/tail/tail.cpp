#include "handlers/tail/tail.hpp"

#include "handlers/tail/tailed_daemon.hpp"
#include "handlers/tail/tailed_file.hpp"
#include "handlers/tail/tailed_journal.hpp"

#include <utility>

namespace steward::handlers::tail {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostStreams = 50;
constexpr milliseconds kPause{100};
constexpr int kPiecesATurn = 4;  // 2.5 MiB a second of each: what is more comes later

}  // namespace

TailHandler::TailHandler(runtime::Context& context)
    : context_(context),
      folders_(context.options.has("folders") ? context.options.texts("folders")
                                              : std::vector<std::string>{"/var/log"}),
      journal_dir_(context.options.text("journal_dir")),
      daemons_(context.state_dir.parent_path().parent_path() / "daemon"),
      look_(context.loop, [this] { look(); }) {}

Result<runtime::Admission> TailHandler::receive(const runtime::Command& command) {
  STEWARD_TRY(auto request, wire::decode_tail_request(command.payload));
  return runtime::Admission{.ignored = {},
                            .start = [this, asked = std::move(request)] { act(asked); }};
}

void TailHandler::act(const wire::TailRequest& request) {
  const auto found = streams_.find(request.stream);
  if (request.op == wire::TailRequest::Op::stop) {
    streams_.erase(request.stream);
  } else if (found != streams_.end()) {
    found->second.until = context_.clock.steady() + request.lease;
  } else {
    begin(request);
  }
}

void TailHandler::begin(const wire::TailRequest& request) {
  Stream stream;
  const auto refuse = [&](const std::string& why) {
    wire::TailEvent event;
    event.last = true;
    event.error = why;
    say(request.stream, stream, std::move(event));
  };
  if (streams_.size() >= kMostStreams) {
    refuse("overloaded: this unit shows 50 streams already");
    return;
  }
  auto opened = open(request);
  if (!opened) {
    refuse(opened.error().text());
    return;
  }
  stream.tailed = *std::move(opened);
  stream.follow = request.follow;
  stream.until = context_.clock.steady() + request.lease;
  // An empty one, too, is a sign of life.
  const auto begun = streams_.emplace(request.stream, std::move(stream)).first;
  say(begun->first, begun->second, {});
  look();
}

Result<std::unique_ptr<Tailed>> TailHandler::open(const wire::TailRequest& request) const {
  if (!request.daemon.empty()) {
    return TailedDaemon::open(daemons_, request.daemon, request.lines);
  }
  if (request.unit.empty()) {
    return TailedFile::open(folders_, request.path, request.lines);
  }
  return TailedJournal::open(journal_dir_, request.unit, request.lines);
}

void TailHandler::look() {
  for (auto at = streams_.begin(); at != streams_.end();) {
    at = look_at(at->first, at->second) ? std::next(at) : streams_.erase(at);
  }
  if (streams_.empty()) {
    look_.stop();
  } else if (!look_.active()) {
    look_.start_every(kPause);
  }
}

// Whether it goes on.
bool TailHandler::look_at(const std::string& name, Stream& stream) {
  wire::TailEvent last;
  last.last = true;
  if (context_.clock.steady() > stream.until) {
    last.notice = "nobody has renewed the lease";
    say(name, stream, std::move(last));
    return false;
  }
  for (int count = 0; count < kPiecesATurn; ++count) {
    auto piece = stream.tailed->read();
    if (!piece) {
      last.error = piece.error().text();
      say(name, stream, std::move(last));
      return false;
    }
    if (!piece->data.empty() || !piece->notice.empty()) {
      wire::TailEvent event;
      event.data = std::move(piece->data);
      event.notice = std::move(piece->notice);
      say(name, stream, std::move(event));
    }
    if (!piece->more && !stream.follow) {
      say(name, stream, std::move(last));
      return false;
    }
    if (!piece->more) {
      break;
    }
  }
  return true;
}

// Without a link it is lost, and its number tells.
void TailHandler::say(const std::string& name, Stream& stream, wire::TailEvent event) {
  event.stream = name;
  event.number = ++stream.said;
  static_cast<void>(context_.publisher.stream(wire::encode(event)));
}

}  // namespace steward::handlers::tail
