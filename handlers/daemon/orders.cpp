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

#include <utility>

namespace steward::handlers::daemon {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLog = 256 * 1024;

json row_json(const Daemon& daemon) { return json::parse(wire::encode(daemon.row())); }

std::string result_of(const Daemon& daemon, const std::vector<std::string>& changed) {
  json out = row_json(daemon);
  if (!changed.empty()) {
    out["changed"] = changed;
  }
  return wire::dump_json(out);
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

Result<Daemon*> Daemons::known(const std::string& name) const {
  auto* daemon = find(name);
  if (daemon == nullptr) {
    return failure(ErrorCode::not_found, "no daemon is named '" + name + "' here");
  }
  return daemon;
}

Specs Daemons::specs_with(const wire::DaemonSpec& spec) const {
  Specs specs;
  for (const auto& [name, daemon] : daemons_) {
    specs.emplace(name, daemon->record().spec);
  }
  specs.insert_or_assign(spec.name, spec);
  return specs;
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
  const auto* daemon = find(spec.name);
  if (daemon == nullptr && daemons_.size() >= wire::kMostDaemons) {
    return failure(ErrorCode::overloaded, "this unit has as many daemons as it may have");
  }
  return daemon == nullptr ? std::vector<std::string>{"new"}
                           : wire::changes(daemon->record().spec, spec);
}

// `file`: the hash of the one that it comes from; empty: by command.
Result<Daemon*> Daemons::make(const wire::DaemonSpec& spec, const std::string& file) {
  auto* daemon = find(spec.name);
  if (daemon != nullptr) {
    daemon->become(spec, file);
    return daemon;
  }
  Record record{.spec = spec, .good = std::nullopt, .ended_in_boot = "", .file = file};
  if (auto saved = records_.save(record); !saved) {
    return tl::unexpected<Error>(std::move(saved).error());
  }
  auto& added = add(std::move(record));
  added.want(true);
  return &added;
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonApply& apply) {
  STEWARD_TRY(auto changed, check(apply.spec));
  if (apply.dry_run) {
    return wire::dump_json({{"name", apply.spec.name}, {"dry_run", true}, {"changed", changed}});
  }
  STEWARD_TRY(const auto* daemon, make(apply.spec, ""));
  if (!apply.wait) {
    return result_of(*daemon, changed);
  }
  waiting_.push_back({id, apply.spec.name, Waiting::For::up, std::move(changed)});
  return std::nullopt;
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonOrder& order) {
  using Op = wire::DaemonOrder::Op;
  if (order.op == Op::remove && find(order.name) == nullptr) {
    return wire::dump_json({{"name", order.name}, {"removed", false}});
  }
  if (find(order.name) == nullptr && wire::is_unit_name(order.name)) {
    return tell_unit(id, order.op, order.name);
  }
  STEWARD_TRY(auto* daemon, known(order.name));
  if (order.op > Op::remove) {
    return answer(id, *daemon, order.op);
  }
  if (order.op == Op::remove && !daemon->record().file.empty()) {
    return failure(ErrorCode::conflict, "a file of the unit says it: remove that, or stop it");
  }
  auto what = Waiting::For::up;
  if (order.op == Op::start) {
    daemon->want(true);
  } else if (order.op == Op::restart) {
    daemon->restart();
  } else {
    daemon->want(false);
    what = order.op == Op::remove ? Waiting::For::removed : Waiting::For::down;
  }
  // A removal is carried out by the waiting for it.
  if (!order.wait && order.op != Op::remove) {
    return result_of(*daemon, {});
  }
  waiting_.push_back({id, order.name, what, {}});
  return std::nullopt;
}

// What does not change whether it is to be up.
Daemons::Answer Daemons::answer(const wire::MessageId& id,
                                Daemon& daemon,
                                wire::DaemonOrder::Op op) {
  using Op = wire::DaemonOrder::Op;
  const auto unit = unit_name(daemon);
  if (op == Op::reset) {
    daemon.reset();
  } else if (!unit.empty()) {
    return tell_unit(id, op, unit);
  } else if (op != Op::reload) {
    return failure(ErrorCode::unsupported,
                   op == Op::freeze || op == Op::thaw
                       ? "only a unit of systemd can be frozen"
                       : "it starts with the agent, as long as it is wanted: start or stop it");
  } else if (auto sent = daemon.signal(SIGHUP); !sent) {
    return tl::unexpected<Error>(std::move(sent).error());
  }
  return result_of(daemon, {});
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonSignal& signal) {
  STEWARD_TRY(const int number, runtime::signal_number(signal.signal));
  if (find(signal.name) == nullptr && wire::is_unit_name(signal.name)) {
    return signal_unit(id, signal.name, number);
  }
  STEWARD_TRY(auto* daemon, known(signal.name));
  if (auto sent = daemon->signal(number); !sent) {
    return tl::unexpected<Error>(std::move(sent).error());
  }
  return result_of(*daemon, {});
}

Daemons::Answer Daemons::answer(const wire::MessageId& id, const wire::DaemonStatus& status) {
  json rows = json::array();
  if (find(status.name) == nullptr && wire::is_unit_name(status.name)) {
    return show_unit(id, status.name);
  }
  if (!status.name.empty()) {
    STEWARD_TRY(const auto* daemon, known(status.name));
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
  if (find(logs.name) == nullptr && wire::is_unit_name(logs.name)) {
    return unit_log(id, logs.name, logs);
  }
  STEWARD_TRY(const auto* daemon, known(logs.name));
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

void Daemons::fail(const wire::MessageId& id, const Error& error) {
  runtime::answer(context_, id, tl::unexpected<Error>(error));
}

void Daemons::finish(const Waiting& waiting, const Result<std::string>& result) {
  if (waiting.id) {
    runtime::answer(context_, *waiting.id, result);
  } else if (!result) {
    context_.log.warning(waiting.name + ": " + result.error().message);
  }
}

// True: it has been answered.
bool Daemons::settle(const Waiting& waiting) {
  auto* daemon = find(waiting.name);
  if (daemon == nullptr) {
    finish(waiting, tl::unexpected<Error>(Error{ErrorCode::not_found, "it was removed meanwhile"}));
    return true;
  }
  const auto state = daemon->state();
  if (waiting.what != Waiting::For::up) {
    if (daemon->record().wanted) {
      finish(waiting,
             tl::unexpected<Error>(Error{ErrorCode::conflict, "another command wants it up"}));
      return true;
    }
    if (!daemon->down()) {
      return false;
    }
    const auto result = result_of(*daemon, {});
    if (waiting.what == Waiting::For::removed) {
      remove(waiting.name);
    }
    finish(waiting, result);
    return true;
  }
  if (!daemon->record().wanted) {
    finish(waiting,
           tl::unexpected<Error>(Error{ErrorCode::conflict, "another command wants it down"}));
    return true;
  }
  if (daemon->went_back() && !waiting.changed.empty()) {
    const auto why = daemon->row().last_exit ? daemon->row().last_exit->last_log : "";
    finish(waiting,
           tl::unexpected<Error>(Error{ErrorCode::exec_failed,
                                       "it did not come up and went back to what it was" +
                                           (why.empty() ? "" : ": " + why)}));
    return true;
  }
  if (state == wire::DaemonState::ready || (state == wire::DaemonState::stopped && daemon->down() &&
                                            daemon->failures() == 0 && daemon->row().last_exit)) {
    finish(waiting, result_of(*daemon, waiting.changed));
    return true;
  }
  if (daemon->lacks_another()) {
    finish(waiting,
           tl::unexpected<Error>(
               Error{ErrorCode::unavailable, daemon->reason() + "; it starts when that does"}));
    return true;
  }
  if (daemon->failures() > 0) {
    finish(waiting, tl::unexpected<Error>(Error{ErrorCode::exec_failed, daemon->failure_reason()}));
    return true;
  }
  return false;
}

}  // namespace steward::handlers::daemon
