#include "subjects/wire/daemon_file.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/ask_units.hpp"
#include "tools/stewardctl/daemon_list.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/send.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

constexpr std::chrono::milliseconds kPatience{10'000};
constexpr const char* kMethod = "daemon";
constexpr const char* kDomain = "system";

struct Arguments {
  TargetArguments target;
  Sending sending;
  std::string name;  // of a daemon, or of a file
  std::string lines = "100";
  std::string signal = "TERM";
  bool check = false;
};

// With --all there is no TARGET: the first positional is the name.
void settle_positionals(Arguments& arguments) {
  if (arguments.target.all && arguments.name.empty()) {
    std::swap(arguments.name, arguments.target.target);
  }
}

Result<void> check_name(const Arguments& arguments) {
  if (!wire::is_daemon_name(arguments.name) && !wire::is_unit_name(arguments.name)) {
    return failure(ErrorCode::bad_config,
                   arguments.name.empty()
                       ? "no daemon is named. Write its name behind the target"
                       : fmt::format("'{}' is no name of a daemon (A-Z a-z 0-9 _ - .) nor of a "
                                     "unit of systemd (nginx.service)",
                                     arguments.name));
  }
  return {};
}

Result<Exit> send_request(Invocation& invocation,
                          const Arguments& arguments,
                          const wire::DaemonRequest& request) {
  Order order;
  order.method = kMethod;
  order.domain = kDomain;
  order.payload = wire::encode(request);
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(order.units, resolve_units(*session, invocation.console, arguments.target));
  return send_order(invocation, *session, std::move(order), arguments.sending, std::nullopt);
}

template <wire::DaemonOrder::Op op>
Result<Exit> give_order(Invocation& invocation, const Arguments& arguments) {
  if (auto good = check_name(arguments); !good) {
    return tl::unexpected<Error>(good.error());
  }
  return send_request(invocation, arguments, wire::DaemonOrder{op, arguments.name, true});
}

Result<Exit> apply(Invocation& invocation, const Arguments& arguments) {
  if (arguments.name.empty()) {
    return failure(ErrorCode::bad_config,
                   "no file. Write the file with the daemon's spec behind the target; - is stdin");
  }
  STEWARD_TRY(const auto text, read_input(arguments.name));
  STEWARD_TRY(auto spec, wire::decode_daemon_file(text, arguments.name));
  return send_request(
      invocation, arguments, wire::DaemonApply{std::move(spec), true, arguments.check});
}

Result<Exit> send_signal(Invocation& invocation, const Arguments& arguments) {
  if (auto good = check_name(arguments); !good) {
    return tl::unexpected<Error>(good.error());
  }
  return send_request(invocation, arguments, wire::DaemonSignal{arguments.name, arguments.signal});
}

// Asks units and gives each answer to `take`; says who has not answered. Exit: ok where all have.
Result<Exit> ask(Invocation& invocation,
                 const Arguments& arguments,
                 const wire::DaemonRequest& request,
                 const std::function<void(const std::string& unit, const nlohmann::json&)>& take) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto units, resolve_units(*session, invocation.console, arguments.target));
  std::vector<UnitQuestion> questions;
  questions.reserve(units.size());
  for (const auto& unit : units) {
    questions.push_back({unit, wire::encode(request)});
  }
  STEWARD_TRY(const auto answers,
              ask_units(*session, kMethod, kDomain, questions, {kPatience, kPatience}));
  for (const auto& unit : answers.units()) {
    const auto parsed = wire::parse_json(unit.result);
    if (unit.outcome() == Outcome::ok && parsed) {
      take(unit.unit, *parsed);
    } else {
      invocation.console.warn(fmt::format("{}: {}",
                                          unit.unit,
                                          unit.outcome() == Outcome::pending
                                              ? "does not answer: it is away, or busy"
                                              : one_line(unit.code + ": " + unit.message)));
    }
  }
  return answers.exit();
}

Result<Exit> show(Invocation& invocation, const Arguments& arguments) {
  if (auto good = check_name(arguments); !good) {
    return tl::unexpected<Error>(good.error());
  }
  return ask(invocation,
             arguments,
             wire::DaemonStatus{arguments.name},
             [&invocation](const std::string& unit, const nlohmann::json& answer) {
               auto row = answer;
               row["unit"] = unit;
               invocation.console.out(row.dump(invocation.format == Format::jsonl ? -1 : 2) + "\n");
             });
}

Result<Exit> logs(Invocation& invocation, const Arguments& arguments) {
  if (auto good = check_name(arguments); !good) {
    return tl::unexpected<Error>(good.error());
  }
  const int lines = std::atoi(arguments.lines.c_str());
  if (lines < 1 || lines > 10'000) {
    return failure(ErrorCode::bad_config, "-n: a number from 1 to 10000");
  }
  return ask(invocation,
             arguments,
             wire::DaemonLogs{arguments.name, static_cast<std::size_t>(lines), std::nullopt},
             [&invocation](const std::string& unit, const nlohmann::json& answer) {
               if (invocation.is_table()) {
                 invocation.console.out(answer.value("data", ""));
               } else {
                 invocation.console.out(
                     wire::dump_json({{"unit", unit}, {"data", answer.value("data", "")}}) + "\n");
               }
             });
}

Result<Exit> show_systemd_units(Invocation& invocation, const Arguments& arguments) {
  Table table({{"UNIT"}, {"SYSTEMD UNIT"}, {"ACTIVE"}, {"SUB"}, {"DESCRIPTION"}});
  nlohmann::json all = nlohmann::json::array();
  STEWARD_TRY(const auto exit,
              ask(invocation,
                  arguments,
                  wire::DaemonUnits{},
                  [&](const std::string& unit, const nlohmann::json& answer) {
                    for (auto row : answer.value("units", nlohmann::json::array())) {
                      const auto active = row.value("active", "");
                      table.add({{unit},
                                 {row.value("unit", "")},
                                 {active, active == "failed" ? Paint::bad : Paint::plain},
                                 {row.value("sub", "")},
                                 {row.value("description", "")}});
                      row["systemd_unit"] = row["unit"];
                      row["unit"] = unit;
                      all.push_back(std::move(row));
                    }
                  }));
  if (invocation.is_table()) {
    invocation.console.out(table.render(invocation.console.look().out, invocation.console.width()));
  } else if (invocation.format == Format::json) {
    invocation.console.out(all.dump(1) + "\n");
  } else {
    for (const auto& row : all) {
      invocation.console.out(invocation.format == Format::name
                                 ? row.value("systemd_unit", "") + "\n"
                                 : wire::dump_json(row) + "\n");
    }
  }
  return exit;
}

template <Result<Exit> (*action)(Invocation&, const Arguments&)>
Action declare(Syntax& syntax, const char* what, bool acts) {
  const auto arguments = std::make_shared<Arguments>();
  declare_acting_target(syntax, arguments->target);
  if (action != show_systemd_units) {
    syntax.positional(what, arguments->name, Syntax::Presence::optional);
  }
  if (acts) {
    declare_sending(syntax, arguments->sending);
  }
  if (action == apply) {
    syntax.flag("--check", arguments->check, "change nothing: units say what would");
  }
  if (action == send_signal) {
    syntax.option(
        "-s,--signal", arguments->signal, "NAME", "TERM (the usual), HUP, USR1, KILL, ...");
  }
  if (action == logs) {
    syntax.option("-n,--lines", arguments->lines, "N", "so many of the last lines (100)");
  }
  return [arguments](Invocation& invocation) {
    if (action != show_systemd_units) {
      settle_positionals(*arguments);
    }
    return action(invocation, *arguments);
  };
}

template <wire::DaemonOrder::Op op>
Verb order_verb(const char* name, const char* summary, const char* notes, const char* example) {
  return {name, summary, notes, example, TakesCommand::no, [](Syntax& syntax) -> Action {
            return declare<give_order<op>>(syntax, "DAEMON", true);
          }};
}

}  // namespace

Verbs daemons_verbs() {
  using Op = wire::DaemonOrder::Op;
  Verbs verbs;
  verbs.push_back({"daemons ls",
                   "the daemons of units, as each was told last",
                   "From the station's table, so also of units that are away.",
                   "stewardctl daemons ls\n"
                   "stewardctl daemons ls 'ship*' -w",
                   TakesCommand::no,
                   &declare_daemon_list});
  verbs.push_back(
      {"daemons show",
       "all that a unit knows of one daemon, its spec included",
       "",
       "stewardctl daemons show ship1 web",
       TakesCommand::no,
       [](Syntax& syntax) -> Action { return declare<show>(syntax, "DAEMON", false); }});
  verbs.push_back({"daemons apply",
                   "make a daemon what a file says, up and ready",
                   "The file holds its spec, as TOML (*.toml) or JSON; what it may hold is in the "
                   "wire\ncontract. One that does not come up goes back to the last that did.",
                   "stewardctl daemons apply ship1 web.toml\n"
                   "stewardctl daemons apply 'ship*' - < web.json",
                   TakesCommand::no,
                   [](Syntax& syntax) -> Action { return declare<apply>(syntax, "FILE", true); }});
  verbs.push_back(order_verb<Op::start>("daemons start",
                                        "start a daemon, and keep it up",
                                        "",
                                        "stewardctl daemons start 'ship*' web"));
  verbs.push_back(order_verb<Op::stop>("daemons stop",
                                       "stop a daemon, and keep it down",
                                       "Its stop signal to all of its processes, KILL after its "
                                       "grace.",
                                       "stewardctl daemons stop ship1 web"));
  verbs.push_back(order_verb<Op::restart>("daemons restart",
                                          "stop a daemon and start it again",
                                          "",
                                          "stewardctl daemons restart ship1 web"));
  verbs.push_back(order_verb<Op::reload>("daemons reload",
                                         "let a daemon read its configuration anew",
                                         "Its unit's own way of it, or the signal HUP.",
                                         "stewardctl daemons reload ship1 nginx.service"));
  verbs.push_back(
      {"daemons kill",
       "send a signal to a daemon",
       "To its first process; of a unit of systemd to all of them.",
       "stewardctl daemons kill ship1 web -s USR1",
       TakesCommand::no,
       [](Syntax& syntax) -> Action { return declare<send_signal>(syntax, "DAEMON", true); }});
  verbs.push_back(order_verb<Op::freeze>("daemons freeze",
                                         "stop a unit of systemd where it stands",
                                         "",
                                         "stewardctl daemons freeze ship1 backup.service"));
  verbs.push_back(order_verb<Op::thaw>("daemons thaw",
                                       "let a frozen unit of systemd go on",
                                       "",
                                       "stewardctl daemons thaw ship1 backup.service"));
  verbs.push_back(order_verb<Op::enable>("daemons enable",
                                         "let a unit of systemd start with its machine",
                                         "",
                                         "stewardctl daemons enable ship1 nginx.service"));
  verbs.push_back(order_verb<Op::disable>("daemons disable",
                                          "let it not start with its machine any more",
                                          "",
                                          "stewardctl daemons disable ship1 nginx.service"));
  verbs.push_back(order_verb<Op::reset>("daemons reset",
                                        "forget how often a daemon has failed",
                                        "Its pauses begin anew; one that waits is started now.",
                                        "stewardctl daemons reset ship1 web"));
  verbs.push_back(
      {"daemons units",
       "all units that systemd has loaded there",
       "Whether they are daemons of ours or not. Their names can stand for DAEMON.",
       "stewardctl daemons units ship1",
       TakesCommand::no,
       [](Syntax& syntax) -> Action { return declare<show_systemd_units>(syntax, "", false); }});
  verbs.push_back(order_verb<Op::remove>("daemons rm",
                                         "stop a daemon and forget it",
                                         "What it has said goes, too.",
                                         "stewardctl daemons rm ship1 web"));
  verbs.push_back(
      {"daemons logs",
       "the last lines of what a daemon has said",
       "",
       "stewardctl daemons logs ship1 web -n 20",
       TakesCommand::no,
       [](Syntax& syntax) -> Action { return declare<logs>(syntax, "DAEMON", false); }});
  return verbs;
}

}  // namespace steward::ctl
