#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <numeric>

namespace steward::ctl {

namespace {

using std::chrono::microseconds;

struct PingArguments {
  TargetArguments target;
  std::string count = "1";
};

struct Times {
  std::vector<std::string> names;
  std::map<std::string, microseconds> answered;  // of this round
  std::vector<microseconds> all;
  std::size_t asked = 0;
  std::size_t missed = 0;
  std::vector<std::string> missing;  // in the last round
};

void print_answer(Invocation& invocation, const std::string& unit, microseconds time) {
  if (invocation.is_table()) {
    invocation.console.out(fmt::format("{:<20}  time={}\n", unit, short_rtt(time)));
  } else if (invocation.format == Format::name) {
    invocation.console.out(unit + "\n");
  } else if (invocation.format == Format::jsonl) {
    invocation.console.out(
        wire::dump_json({{"kind", "pong"}, {"unit", unit}, {"rtt_us", time.count()}}) + "\n");
  }
}

// One question to each unit, so that each has a time of its own. A hello does not say what made it:
// the first one after the question is taken for the answer.
Result<void> ask_all(Session& session,
                     const std::vector<std::string>& units,
                     std::map<std::string, Clock::time_point>& asked_at) {
  for (const std::string& unit : units) {
    STEWARD_TRY(auto subject, wire::Subject::parse(unit + ".command.hello.agent"));
    const wire::Envelope envelope = session.envelope(std::move(subject));
    asked_at[unit] = Clock::now();
    if (auto sent = session.publish(session.seal(envelope, "{}")); !sent) {
      return sent;
    }
  }
  return {};
}

Result<Exit> round(Invocation& invocation, Session& session, Times& times) {
  std::map<std::string, Clock::time_point> asked_at;
  times.answered.clear();
  session.take();
  if (auto asked = ask_all(session, times.names, asked_at); !asked) {
    return tl::unexpected<Error>(asked.error());
  }
  times.asked += times.names.size();
  const auto deadline = Clock::now() + session.settings().timeout;
  while (times.answered.size() < times.names.size() && Clock::now() < deadline) {
    if (session.wait(deadline) == Session::Woken::interrupted) {
      return Exit::interrupted;
    }
    for (const Delivery& delivery : session.take()) {
      const auto subject = wire::Subject::parse(delivery.message.subject);
      if (!subject || subject->is_broadcast()) {
        continue;
      }
      const auto asked = asked_at.find(subject->node->str());
      if (asked == asked_at.end() || delivery.at < asked->second) {
        continue;
      }
      const auto time = std::chrono::duration_cast<microseconds>(delivery.at - asked->second);
      if (times.answered.emplace(subject->node->str(), time).second) {
        times.all.push_back(time);
        print_answer(invocation, subject->node->str(), time);
      }
    }
  }
  times.missing.clear();
  for (const std::string& unit : times.names) {
    if (times.answered.count(unit) == 0) {
      times.missing.push_back(unit);
    }
  }
  times.missed += times.missing.size();
  return times.missing.empty() ? Exit::ok : Exit::no_answer;
}

void print_statistics(Invocation& invocation, const Times& times) {
  Console& console = invocation.console;
  std::vector<microseconds> sorted = times.all;
  std::sort(sorted.begin(), sorted.end());
  const auto sum = std::accumulate(sorted.begin(), sorted.end(), microseconds(0));
  const bool any = !sorted.empty();
  const auto average = any ? sum / static_cast<std::int64_t>(sorted.size()) : microseconds(0);
  if (invocation.is_table()) {
    std::string line = fmt::format("{} of {}", sorted.size(), counted(times.asked, "answer"));
    if (any) {
      line += fmt::format(", min {} avg {} max {}",
                          short_rtt(sorted.front()),
                          short_rtt(average),
                          short_rtt(sorted.back()));
    }
    if (!times.missing.empty()) {
      line += fmt::format(", missing: {}", fmt::join(times.missing, ", "));
    }
    console.out(fmt::format("---- ping statistics ----\n{}\n", line));
  } else if (invocation.format != Format::name) {
    nlohmann::json out{{"asked", times.asked},
                       {"answered", sorted.size()},
                       {"missing", times.missing},
                       {"min_us", any ? nlohmann::json(sorted.front().count()) : nlohmann::json()},
                       {"avg_us", any ? nlohmann::json(average.count()) : nlohmann::json()},
                       {"max_us", any ? nlohmann::json(sorted.back().count()) : nlohmann::json()}};
    if (invocation.format == Format::jsonl) {
      out["kind"] = "summary";
    } else {
      out["units"] = nlohmann::json::object();
      for (const auto& [unit, time] : times.answered) {
        out["units"][unit] = time.count();
      }
    }
    console.out(wire::dump_json(out) + "\n");
  }
}

Result<Exit> ping(Invocation& invocation, const PingArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session(std::chrono::seconds(2)));
  TargetArguments target = arguments.target;
  target.all = target.target.empty();
  target.force = true;
  Times times;
  STEWARD_TRY(times.names, resolve_units(*session, invocation.console, target));
  const int rounds = std::atoi(arguments.count.c_str());
  if (rounds < 1) {
    return failure(ErrorCode::bad_config, "--count: a number from 1");
  }
  const bool few = times.names.size() <= 16;
  for (const std::string& node : few ? times.names : std::vector<std::string>{"*"}) {
    if (auto heard = session->listen(node + ".event.hello.agent"); !heard) {
      return tl::unexpected<Error>(heard.error());
    }
  }
  Exit exit = Exit::ok;
  for (int i = 0; i < rounds; ++i) {
    if (i > 0 &&
        session->wait(Clock::now() + std::chrono::seconds(1)) == Session::Woken::interrupted) {
      exit = Exit::interrupted;
      break;
    }
    STEWARD_TRY(const Exit this_round, round(invocation, *session, times));
    exit = this_round == Exit::ok ? exit : this_round;
    if (exit == Exit::interrupted) {
      break;
    }
  }
  print_statistics(invocation, times);
  return exit;
}

}  // namespace

Verb ping_verb() {
  return {
      "ping",
      "ask units for a sign of life, and time it",
      "Each unit says hello when it is asked. Without TARGET, all known units are asked. Those\n"
      "that do not answer within --timeout (here 2s) are named, and the exit status is 4.",
      "stewardctl ping\n"
      "stewardctl ping 'ship[1-3]' --count 5\n"
      "stewardctl ping --all -o json",
      TakesCommand::no,
      [](Syntax& syntax) -> Action {
        const auto arguments = std::make_shared<PingArguments>();
        declare_target(syntax, arguments->target);
        syntax.option("-c,--count", arguments->count, "N", "ask so many times, each second (1)");
        return [arguments](Invocation& invocation) { return ping(invocation, *arguments); };
      }};
}

}  // namespace steward::ctl
