// What is asked of daemons, and how it is answered.

#include "handlers/daemon/daemons.hpp"
#include "handlers/runtime/answer.hpp"
#include "handlers/runtime/shim_output.hpp"
#include "handlers/runtime/signal_names.hpp"
#include "subjects/wire/envelope.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <signal.h>

#include <set>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLog = 256 * 1024;

json row_json(const Daemon& daemon) { return json::parse(wire::encode(daemon.row())); }

std::vector<std::string> names_of(const std::vector<Daemon*>& daemons) {
  std::vector<std::string> names;
  names.reserve(daemons.size());
  for (const auto* daemon : daemons) {
    names.push_back(daemon->name());
  }
  return names;
}

std::set<std::string> as_set(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

// Whether a command may remove it.
Result<void> may_go(const std::string& name, const Daemon& daemon) {
  if (wire::daemon_base(name) != name) {
    return failure(ErrorCode::conflict, "is a replica: apply the daemon with less of them");
  }
  if (!daemon.record().file.empty()) {
    return failure(ErrorCode::conflict, "a file of the unit says it: remove that, or stop it");
  }
  return {};
}

}  // namespace

void Daemons::act(const wire::MessageId& id, const wire::DaemonRequest& request) {
  auto said = std::visit([this, &id](const auto& asked) { return answer(id, asked); }, request);
  if (!said) {
    fail(id, said.error());
  } else if (*said) {
    runtime::answer(context_, id, **std::move(said));
  }
  look_.start(std::chrono::milliseconds(0));
}

Result<std::vector<Daemon*>> Daemons::known(const std::string& name) const {
  auto daemons = meant(name);
  if (daemons.empty()) {
    return failure(ErrorCode::not_found, "no daemon is named '" + name + "' here");
  }
  return daemons;
}

// Of replicas one has to be named.
Result<Daemon*> Daemons::one(const std::string& name) const {
  STEWARD_TRY(const auto daemons, known(name));
  if (daemons.size() > 1) {
    return failure(ErrorCode::bad_payload,
                   "name one of its " + std::to_string(daemons.size()) + " replicas, as '" +
                       daemons.front()->name() + "'");
  }
  return daemons.front();
}

// What would change with it; or why it may not be.
Result<std::vector<std::string>> Daemons::check(const wire::DaemonSpec& spec) const {
  STEWARD_TRY([[maybe_unused]] const int signal, runtime::signal_number(spec.stop.signal));
  if (!spec.certificate_signal.empty()) {
    STEWARD_TRY([[maybe_unused]] const int told, runtime::signal_number(spec.certificate_signal));
  }
  if (const auto circle = circle_in(specs_with(spec)); !circle.empty()) {
    return failure(ErrorCode::bad_payload, "they would wait for each other: " + circle);
  }
  if (!spec.log_domain.empty() && by_systemd(spec)) {
    return failure(ErrorCode::unsupported,
                   "log_domain: what a unit of systemd says is in the journal, which "
                   "syslogforwarding reads with journal = true");
  }
  if (wire::daemon_base(spec.name) != spec.name) {
    return failure(ErrorCode::bad_payload,
                   "'" + spec.name + "' is a replica: apply '" +
                       std::string(wire::daemon_base(spec.name)) + "' with \"replicas\"");
  }
  return changes(spec);
}

// Of any of its replicas. Errors: overloaded.
Result<std::vector<std::string>> Daemons::changes(const wire::DaemonSpec& spec) const {
  const auto before = meant(spec.name);
  const auto wanted = wire::replicas_of(spec);
  std::set<std::string> changed;
  std::size_t fresh = 0;
  for (const auto& one : wanted) {
    const auto* daemon = find(one.name);
    fresh += daemon == nullptr ? 1 : 0;
    if (daemon != nullptr) {
      changed.merge(as_set(wire::changes(daemon->record().spec, one)));
    }
  }
  if (daemons_.size() + fresh > wire::kMostDaemons) {
    return failure(ErrorCode::overloaded, "this unit has as many daemons as it may have");
  }
  if (before.empty()) {
    changed = {"new"};
  } else if (fresh > 0 || before.size() != wanted.size()) {
    changed.insert("replicas");
  }
  return std::vector<std::string>(changed.begin(), changed.end());
}

// `file`: the hash of the one that it comes from; empty: by command.
Result<void> Daemons::make_one(const wire::DaemonSpec& spec, const std::string& file) {
  if (auto* daemon = find(spec.name)) {
    daemon->become(spec, file);
    return {};
  }
  Record record{.spec = spec, .good = std::nullopt, .ended_in_boot = "", .file = file};
  if (auto saved = records_.save(record); !saved) {
    return saved;
  }
  add(std::move(record)).want(true);
  return {};
}

// All that it means, and no more of them.
Result<void> Daemons::make(const wire::DaemonSpec& spec, const std::string& file) {
  std::set<std::string> wanted;
  for (const auto& one : wire::replicas_of(spec)) {
    if (auto made = make_one(one, file); !made) {
      return made;
    }
    wanted.insert(one.name);
  }
  for (auto* daemon : meant(spec.name)) {
    if (!wanted.contains(daemon->name())) {
      daemon->want(false);
      waiting_.push_back(
          {std::nullopt, daemon->name(), Waiting::For::removed, {}, {daemon->name()}});
    }
  }
  return {};
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonApply& apply) {
  STEWARD_TRY(auto changed, check(apply.spec));
  if (apply.dry_run) {
    return wire::dump_json({{"name", apply.spec.name}, {"dry_run", true}, {"changed", changed}});
  }
  if (auto made = make(apply.spec, ""); !made) {
    return tl::unexpected<Error>(std::move(made).error());
  }
  const auto& name = apply.spec.name;
  Waiting waiting{id, name, Waiting::For::up, std::move(changed), names_of(meant(name))};
  if (!apply.wait) {
    return result_of(waiting);
  }
  waiting_.push_back(std::move(waiting));
  return std::nullopt;
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonOrder& order) {
  using Op = wire::DaemonOrder::Op;
  if (order.op == Op::remove && meant(order.name).empty()) {
    return wire::dump_json({{"name", order.name}, {"removed", false}});
  }
  if (meant(order.name).empty() && wire::is_unit_name(order.name)) {
    return tell_unit(id, order.op, order.name);
  }
  STEWARD_TRY(const auto daemons, known(order.name));
  Waiting waiting{id, order.name, Waiting::For::up, {}, names_of(daemons)};
  if (order.op > Op::remove) {
    return answer(waiting, order.op);
  }
  if (order.op == Op::remove) {
    if (auto may = may_go(order.name, *daemons.front()); !may) {
      return tl::unexpected<Error>(std::move(may).error());
    }
  }
  for (auto* daemon : daemons) {
    if (order.op == Op::start) {
      daemon->want(true);
    } else if (order.op == Op::restart) {
      daemon->restart();
    } else {
      daemon->want(false);
    }
  }
  if (order.op == Op::stop || order.op == Op::remove) {
    waiting.what = order.op == Op::remove ? Waiting::For::removed : Waiting::For::down;
  }
  // A removal is carried out by the waiting for it.
  if (!order.wait && order.op != Op::remove) {
    return result_of(waiting);
  }
  waiting_.push_back(std::move(waiting));
  return std::nullopt;
}

// What does not change whether it is to be up.
Daemons::Answer Daemons::answer(const Waiting& waiting, wire::DaemonOrder::Op op) {
  using Op = wire::DaemonOrder::Op;
  for (const auto& name : waiting.daemons) {
    auto& daemon = *find(name);
    const auto unit = unit_name(daemon);
    if (op == Op::reset) {
      daemon.reset();
    } else if (!unit.empty() && waiting.daemons.size() > 1) {
      STEWARD_TRY([[maybe_unused]] const auto* named, one(waiting.name));
    } else if (!unit.empty()) {
      return tell_unit(*waiting.id, op, unit);
    } else if (op != Op::reload) {
      return failure(ErrorCode::unsupported,
                     op == Op::freeze || op == Op::thaw
                         ? "only a unit of systemd can be frozen"
                         : "it starts with the agent, as long as it is wanted: start or stop it");
    } else if (auto sent = daemon.signal(SIGHUP); !sent) {
      return failure(sent.error().code, name + ": " + sent.error().message);
    }
  }
  return result_of(waiting);
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonSignal& signal) {
  STEWARD_TRY(const int number, runtime::signal_number(signal.signal));
  if (meant(signal.name).empty() && wire::is_unit_name(signal.name)) {
    return signal_unit(id, signal.name, number);
  }
  STEWARD_TRY(const auto daemons, known(signal.name));
  for (auto* daemon : daemons) {
    if (auto sent = daemon->signal(number); !sent) {
      return failure(sent.error().code, daemon->name() + ": " + sent.error().message);
    }
  }
  return result_of({id, signal.name, Waiting::For::up, {}, names_of(daemons)});
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonStatus& status) {
  json rows = json::array();
  const auto daemons = meant(status.name);
  if (daemons.empty() && wire::is_unit_name(status.name)) {
    return show_unit(id, status.name);
  }
  if (daemons.size() > 1) {
    return result_of({id, status.name, Waiting::For::up, {}, names_of(daemons)});
  }
  if (!status.name.empty()) {
    STEWARD_TRY(const auto* daemon, one(status.name));
    json out = row_json(*daemon);
    out["spec"] = json::parse(wire::encode(daemon->record().spec));
    return wire::dump_json(out);
  }
  for (const auto& [name, daemon] : daemons_) {
    json row = row_json(*daemon);
    row.erase("last_exit");
    rows.push_back(std::move(row));
  }
  return wire::dump_json({{"daemons", std::move(rows)}});
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonLogs& logs) {
  if (meant(logs.name).empty() && wire::is_unit_name(logs.name)) {
    return unit_log(id, logs.name, logs);
  }
  STEWARD_TRY(const auto* daemon, one(logs.name));
  if (const auto unit = unit_name(*daemon); !unit.empty()) {
    return unit_log(id, unit, logs);
  }
  const auto& folder = daemon->folder();
  json out = {{"name", logs.name}};
  if (logs.offset) {
    STEWARD_TRY(const auto piece, runtime::read_shim_output(folder, 1, *logs.offset, kMostLog));
    out["offset"] = piece.offset;
    out["total_bytes"] = piece.total;
    out["data"] = piece.bytes;
  } else {
    const auto text = runtime::last_shim_lines(folder, 1, logs.lines, kMostLog);
    STEWARD_TRY(const auto end, runtime::read_shim_output(folder, 1, 0, 0));
    out["offset"] = end.total - text.size();
    out["total_bytes"] = end.total;
    out["data"] = text;
  }
  return wire::dump_json(out);
}

}  // namespace steward::handlers::daemon
