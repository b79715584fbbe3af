#include "subjects/wire/fields.hpp"
#include "subjects/wire/tail.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace steward::ctl {

namespace {

constexpr std::chrono::seconds kLease{30};
constexpr std::chrono::seconds kRenewal{10};

struct TailArguments {
  TargetArguments target;
  std::string file;
  std::string journal;
  std::string daemon;
  std::string lines = "10";
  std::string domain = "system";
  bool no_follow = false;
};

// What one unit has said so far.
struct Viewed {
  std::uint64_t heard = 0;  // number of its latest event
  bool over = false;
  bool failed = false;
};

class Viewer {
 public:
  Viewer(Invocation& invocation, Session& session, std::string domain, wire::TailRequest request)
      : invocation_(invocation),
        session_(session),
        domain_(std::move(domain)),
        request_(std::move(request)) {}

  Result<Exit> view(const std::vector<std::string>& units);

 private:
  Result<void> tell(const wire::TailRequest& request);
  Exit follow();
  void take(const Delivery& delivery);
  void print(const std::string& unit, const wire::TailEvent& event);
  Exit exit() const;

  bool all(bool (*holds)(const Viewed&)) const {
    return std::all_of(
        units_.begin(), units_.end(), [holds](const auto& each) { return holds(each.second); });
  }

  Invocation& invocation_;
  Session& session_;
  const std::string domain_;
  const wire::TailRequest request_;
  std::map<std::string, Viewed> units_;
};

// Each unit that is not over yet.
Result<void> Viewer::tell(const wire::TailRequest& request) {
  for (const auto& [unit, viewed] : units_) {
    if (viewed.over) {
      continue;
    }
    STEWARD_TRY(auto subject, wire::Subject::parse(unit + ".command.tail." + domain_));
    const auto sealed = session_.seal(session_.envelope(std::move(subject)), encode(request));
    if (auto sent = session_.publish(sealed); !sent) {
      return sent;
    }
  }
  return {};
}

void Viewer::print(const std::string& unit, const wire::TailEvent& event) {
  if (invocation_.format == Format::jsonl || invocation_.format == Format::json) {
    if (!event.data.empty()) {
      invocation_.console.out(
          wire::dump_json({{"kind", "output"}, {"unit", unit}, {"data", event.data}}) + "\n");
    }
    return;
  }
  std::string out;
  const std::string before =
      units_.size() == 1 || invocation_.format == Format::raw ? "" : unit + " │ ";
  for (std::string_view rest = event.data; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    out += before;
    out += rest.substr(0, end);
    rest.remove_prefix(end);
  }
  invocation_.console.out(out);
}

void Viewer::take(const Delivery& delivery) {
  const auto subject = wire::Subject::parse(delivery.message.subject);
  const auto event = wire::decode_tail_event(delivery.message.payload);
  if (!subject || subject->is_broadcast() || !event || event->stream != request_.stream) {
    return;
  }
  const auto found = units_.find(subject->node->str());
  if (found == units_.end() || found->second.over) {
    return;
  }
  auto& [unit, viewed] = *found;
  if (event->number > viewed.heard + 1) {
    invocation_.console.warn(fmt::format(
        "{}: {} did not come", unit, counted(event->number - viewed.heard - 1, "piece")));
  }
  viewed.heard = event->number;
  print(unit, *event);
  if (!event->notice.empty()) {
    invocation_.console.warn(unit + ": " + event->notice);
  }
  if (!event->error.empty()) {
    invocation_.console.warn(unit + ": " + event->error);
  }
  viewed.over = event->last;
  viewed.failed = !event->error.empty();
}

// Until all are over, nobody has answered in time, or Ctrl-C.
Exit Viewer::follow() {
  const auto deadline = Clock::now() + session_.settings().timeout;
  auto renewal = Clock::now() + kRenewal;
  bool warned = false;
  while (!all([](const Viewed& each) { return each.over; }) && !invocation_.console.broken()) {
    const auto now = Clock::now();
    if (now >= deadline && !std::exchange(warned, true)) {
      for (const auto& [unit, viewed] : units_) {
        if (viewed.heard == 0) {
          invocation_.console.warn(unit + " does not answer");
        }
      }
      if (!request_.follow || all([](const Viewed& each) { return each.heard == 0; })) {
        return Exit::no_answer;
      }
    }
    if (now >= renewal) {
      static_cast<void>(tell(request_));  // without a link the next one does it
      renewal = now + kRenewal;
    }
    if (session_.wait(std::min(renewal, warned ? renewal : deadline)) ==
        Session::Woken::interrupted) {
      return request_.follow ? Exit::ok : Exit::interrupted;
    }
    for (const Delivery& delivery : session_.take()) {
      take(delivery);
    }
  }
  return exit();
}

Exit Viewer::exit() const {
  if (!all([](const Viewed& each) { return each.heard != 0; })) {
    return Exit::no_answer;
  }
  return all([](const Viewed& each) { return !each.failed; }) ? Exit::ok : Exit::failed;
}

Result<Exit> Viewer::view(const std::vector<std::string>& units) {
  for (const auto& unit : units) {
    units_.emplace(unit, Viewed{});
    if (auto heard = session_.listen(unit + ".event.tail." + domain_); !heard) {
      return tl::unexpected<Error>(heard.error());
    }
  }
  if (auto told = tell(request_); !told) {
    return tl::unexpected<Error>(told.error());
  }
  const Exit exit = follow();
  auto stop = request_;
  stop.op = wire::TailRequest::Op::stop;
  static_cast<void>(tell(stop));  // else the lease ends it
  return exit;
}

Result<Exit> tail(Invocation& invocation, const TailArguments& arguments) {
  const int sources = (arguments.file.empty() ? 0 : 1) + (arguments.journal.empty() ? 0 : 1) +
                      (arguments.daemon.empty() ? 0 : 1);
  if (sources != 1) {
    return failure(ErrorCode::bad_config, "FILE or --journal NAME or --daemon NAME, one of them");
  }
  wire::TailRequest request;
  request.path = arguments.file;
  request.unit = arguments.journal;
  request.daemon = arguments.daemon;
  request.follow = !arguments.no_follow;
  request.lease = kLease;
  const int lines = std::atoi(arguments.lines.c_str());
  if (lines < 0 || lines > 10'000) {
    return failure(ErrorCode::bad_config, "--lines: a number from 0 to 10000");
  }
  request.lines = static_cast<std::size_t>(lines);
  if (!wire::Token::parse(arguments.domain)) {
    return failure(ErrorCode::bad_config, "--domain: no domain is named like this");
  }
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto units, resolve_units(*session, invocation.console, arguments.target));
  request.stream = session->new_id().str();
  return Viewer(invocation, *session, arguments.domain, request).view(units);
}

}  // namespace

Verb tail_verb() {
  return {
      "tail",
      "the end of a file, and what is added to it",
      "Shows the last lines of a file, or of what a systemd unit or a daemon says, and goes on\n"
      "until Ctrl-C.\n"
      "A unit shows files of the folders that its configuration allows ([tail.system] folders,\n"
      "/var/log). It stops by itself when nobody looks any more. -o raw: the lines alone.",
      "stewardctl tail ship1 /var/log/syslog\n"
      "stewardctl tail 'ship*' --journal ssh.service -n 50\n"
      "stewardctl tail ship1 --daemon web\n"
      "stewardctl tail ship1 /var/log/dpkg.log --no-follow -n 100\n"
      "stewardctl tail 'ship*' /var/log/auth.log -o raw | grep sudo",
      TakesCommand::no,
      [](Syntax& syntax) -> Action {
        const auto arguments = std::make_shared<TailArguments>();
        declare_target(syntax, arguments->target);
        syntax.positional("FILE", arguments->file, Syntax::Presence::optional);
        syntax.option("--journal", arguments->journal, "NAME", "of this systemd unit");
        syntax.option("--daemon", arguments->daemon, "NAME", "of this daemon that the unit keeps");
        syntax.option("-n,--lines", arguments->lines, "N", "begin so many before the end (10)");
        syntax.option("--domain", arguments->domain, "NAME", "ask this domain (system)");
        syntax.flag("--no-follow", arguments->no_follow, "end with what there is");
        return [arguments](Invocation& invocation) { return tail(invocation, *arguments); };
      }};
}

}  // namespace steward::ctl
