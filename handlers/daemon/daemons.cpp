#include "handlers/daemon/daemons.hpp"

#include "handlers/daemon/own_run.hpp"
#include "handlers/daemon/unit_run.hpp"
#include "handlers/runtime/boot_id.hpp"
#include "handlers/runtime/signal_names.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTakenUp{2'000};
constexpr milliseconds kFilesPeriod{5'000};
constexpr std::size_t kRowsOfMessage = 200;  // far from the most that a message may hold
constexpr const char* kFiles = "/etc/steward/daemons.d";
constexpr const char* kBooted = "/run/systemd/system";  // sd_booted(3)

}  // namespace

Daemons::Daemons(runtime::Context& context)
    : context_(context),
      shim_(context.options.text("shim", runtime::shim_program())),
      systemd_bus_(context.options.text("systemd_bus", "")),
      journal_(context.options.text("journal", "")),
      systemd_here_(!systemd_bus_.empty() || std::filesystem::exists(kBooted)),
      units_(context.loop, systemd_bus_),
      records_(context.state_dir / "specs"),
      folders_(context.state_dir),
      link_(context, [this] { look(); }),
      certificates_(context,
                    context.state_dir / "certificates",
                    {[this] { look_.start(milliseconds(0)); },
                     [this](const std::string& name) { certificate_renewed(name); }}),
      files_(context.options.text("files", kFiles)),
      random_(std::random_device{}()),
      shop_{context,
            [this](const Daemon& daemon, Run::Listener listener) {
              return make_run(daemon, std::move(listener));
            },
            [this](const Daemon& daemon) { return holds_up(daemon); },
            [this](const Daemon& daemon) { return holds_down(daemon); },
            [this](Daemon& daemon, wire::DaemonEvent::Type type) { changed(daemon, type); },
            [this](Daemon& daemon) { keep(daemon); },
            [this](Daemon& daemon) { alert(daemon); },
            [this](const Daemon& daemon) { return unit_name(daemon); },
            [this] { return std::uniform_real_distribution<double>(0, 1)(random_); },
            runtime::boot_id()},
      most_starting_(std::max(2U, 2 * std::thread::hardware_concurrency())),
      look_(context.loop, [this] { look(); }),
      tell_(context.loop, [this] { tell_all(); }),
      look_at_files_(context.loop, [this] { take_files(); }),
      journal_pause_(context.loop, [this] { read_last_lines(); }),
      alive_(std::make_shared<Daemons*>(this)) {
  const std::string cgroup = context.options.text("cgroup", "off");
  if (cgroup != "off") {
    if (auto root = runtime::CgroupRoot::at(cgroup)) {
      cgroups_.emplace(*std::move(root));
    } else {
      context.options.reject("cgroup", root.error().message);
    }
  }
}

Result<void> Daemons::start() {
  std::vector<std::string> wrong;
  for (auto& record : records_.load(wrong)) {
    auto& daemon = add(std::move(record));
    certificates_.keep(daemon.record().spec);
    daemon.adopt();
  }
  for (const auto& what : wrong) {
    context_.log.error("a daemon is left out: " + what);
  }
  take_files();
  look_at_files_.start_every(kFilesPeriod);
  if (!daemons_.empty()) {
    tell_.start(kTakenUp);
  }
  return {};
}

Daemon& Daemons::add(Record record) {
  const std::string name = record.spec.name;
  auto daemon = std::make_unique<Daemon>(shop_, std::move(record), folders_.run(name));
  auto& added = *daemons_.insert_or_assign(name, std::move(daemon)).first->second;
  watch_unit(added);
  forward(added);
  return added;
}

void Daemons::keep(const Daemon& daemon) {
  watch_unit(daemon);
  forward(daemon);
  if (auto saved = records_.save(daemon.record()); !saved) {
    context_.log.error(daemon.name() + ": its record is not kept: " + saved.error().message);
  }
}

void Daemons::forward(const Daemon& daemon) {
  const auto& spec = daemon.record().spec;
  if (auto made = folders_.forward(spec.name, by_systemd(spec) ? "" : spec.log_domain); !made) {
    context_.log.error(spec.name + ": its output is not forwarded: " + made.error().message);
  }
}

bool Daemons::by_systemd(const wire::DaemonSpec& spec) const {
  return spec.mode == wire::DaemonMode::systemd ||
         (spec.mode == wire::DaemonMode::automatic && systemd_here_ &&
          spec.ready.by != wire::ReadyBy::descriptor);  // which systemd has no word for
}

std::unique_ptr<Run> Daemons::make_run(const Daemon& daemon, Run::Listener listener) {
  auto spec = daemon.run_spec();
  if (spec.certificate) {
    spec.env.emplace("STEWARD_CERTIFICATE", certificates_.of(spec.name).string());
  }
  if (by_systemd(spec)) {
    return std::make_unique<UnitRun>(context_, units_, spec, daemon.folder(), std::move(listener));
  }
  return std::make_unique<OwnRun>(
      context_, spec, daemon.folder(), shim_, cgroups_ ? &*cgroups_ : nullptr, std::move(listener));
}

std::string Daemons::unit_name(const Daemon& daemon) const {
  return by_systemd(daemon.record().spec) ? unit_of(daemon.record().spec) : "";
}

// What somebody else starts is taken up, or stopped where it is not wanted.
void Daemons::watch_unit(const Daemon& daemon) {
  const auto unit = unit_name(daemon);
  auto& watched = watched_[daemon.name()];
  if (watched.unit == unit) {
    return;
  }
  watched = {unit, nullptr};
  if (unit.empty()) {
    return;
  }
  watched.watch = units_.watch(
      unit,
      {[this, name = daemon.name()](const UnitState& state) {
         auto* known = find(name);
         if (known != nullptr && known->down() && (state.up() || state.restarts_itself())) {
           known->found_running();
         }
       },
       [](const std::string&) {}});
}

Daemon* Daemons::find(const std::string& name) const {
  const auto daemon = daemons_.find(name);
  return daemon == daemons_.end() ? nullptr : daemon->second.get();
}

Result<runtime::Admission> Daemons::receive(const runtime::Command& command) {
  STEWARD_TRY(auto decoded, wire::decode_daemon_request(command.payload));
  runtime::Admission admission;
  admission.ignored = std::move(decoded.ignored);
  const auto* order = std::get_if<wire::DaemonOrder>(&decoded.request);
  const bool again = order != nullptr && order->op == wire::DaemonOrder::Op::restart;
  // What is wanted may be said twice; a signal and a restart may not.
  admission.repeatable = !again && !std::holds_alternative<wire::DaemonSignal>(decoded.request);
  admission.start = [this, id = command.envelope.id, request = std::move(decoded.request)] {
    act(id, request);
  };
  return admission;
}

// What was ordered stays ordered: only nobody waits for it any more.
runtime::CancelOutcome Daemons::cancel(const wire::MessageId& id) {
  const auto waiting = std::find_if(
      waiting_.begin(), waiting_.end(), [&id](const Waiting& one) { return one.id == id; });
  if (waiting == waiting_.end()) {
    return runtime::CancelOutcome::unknown;
  }
  waiting_.erase(waiting);
  context_.publisher.reply(
      {.ref = id, .domain = context_.domain.str(), .state = wire::CommandState::cancelled});
  return runtime::CancelOutcome::cancelled;
}

void Daemons::changed(Daemon& daemon, wire::DaemonEvent::Type type) {
  context_.publisher.record(wire::encode(wire::DaemonEvent{type, {daemon.row()}}));
  if (type == wire::DaemonEvent::Type::exit) {
    find_last_lines(daemon);
  }
  look_.start(milliseconds(0));
}

wire::Alert Daemons::alert_of(const Daemon& daemon) const {
  return {"daemon_crash_loop",
          "daemon{name=\"" + daemon.name() + "\"}",
          wire::Severity::critical,
          "a daemon ends again and again",
          static_cast<double>(daemon.row().restarts),
          context_.clock.now()};
}

void Daemons::alert(const Daemon& daemon) {
  wire::AlertEvent event;
  event.state =
      daemon.in_crash_loop() ? wire::AlertEvent::State::firing : wire::AlertEvent::State::resolved;
  event.alerts.push_back(alert_of(daemon));
  context_.publisher.alert(wire::encode(event));
}

void Daemons::look() {
  for (const auto& [name, daemon] : daemons_) {
    link_.look(name, daemon->record().spec.link_lost);
    if (const auto why = barred(*daemon); !why.empty() && daemon->record().wanted) {
      daemon->hold(why);
    }
    daemon->look_again();
  }
  auto open = std::exchange(waiting_, {});
  for (auto& one : open) {
    if (!settle(one)) {
      waiting_.push_back(std::move(one));
    }
  }
  tell_figures();
  if (auto told = folders_.tell(daemons_); !told) {
    context_.log.warning("the table of daemons is not written: " + told.error().message);
  }
  const bool all_down = std::all_of(daemons_.begin(), daemons_.end(), [](const auto& one) {
    return one.second->record().spec.keep || one.second->down();
  });
  if (stopped_ && all_down) {
    std::exchange(stopped_, nullptr)();
  }
}

// In messages of which each is of a part of the alphabet.
void Daemons::tell_all() {
  wire::DaemonEvent event;
  event.type = wire::DaemonEvent::Type::all;
  for (const auto& [name, daemon] : daemons_) {
    if (event.daemons.size() == kRowsOfMessage) {
      event.up_to = event.daemons.back().name;
      context_.publisher.record(wire::encode(event));
      event.behind = std::exchange(event.up_to, "");
      event.daemons.clear();
    }
    event.daemons.push_back(daemon->row());
    event.daemons.back().last_exit.reset();  // each was told when it was
  }
  context_.publisher.record(wire::encode(event));
  wire::AlertEvent alerts;
  alerts.state = wire::AlertEvent::State::all;
  for (const auto& [name, daemon] : daemons_) {
    if (daemon->in_crash_loop() && alerts.alerts.size() < wire::kMostAlerts) {
      alerts.alerts.push_back(alert_of(*daemon));
    }
  }
  context_.publisher.alert(wire::encode(alerts));
}

void Daemons::tell_figures() {
  std::map<std::string, std::int64_t> figures{{"daemons", 0}, {"ready", 0}, {"not_as_wanted", 0}};
  for (const auto& [name, daemon] : daemons_) {
    const bool ready = daemon->state() == wire::DaemonState::ready;
    ++figures["daemons"];
    figures["ready"] += ready ? 1 : 0;
    figures["not_as_wanted"] += ready != daemon->record().wanted ? 1 : 0;
  }
  context_.vitals.figures_told(context_.method, context_.domain, figures);
}

void Daemons::certificate_renewed(const std::string& name) {
  for (const auto* daemon : meant(name)) {
    const auto signal = runtime::signal_number(daemon->record().spec.certificate_signal);
    if (signal) {
      std::ignore = daemon->signal(*signal);  // one that does not run finds it at its start
    }
  }
}

void Daemons::remove(const std::string& name) {
  const auto found = daemons_.find(name);
  if (found == daemons_.end()) {
    return;
  }
  auto row = found->second->row();
  watched_.erase(name);
  daemons_.erase(found);
  records_.remove(name);
  folders_.remove(name);
  if (const std::string base(wire::daemon_base(name)); meant(base).empty()) {
    certificates_.remove(base);
  }
  context_.publisher.record(
      wire::encode(wire::DaemonEvent{wire::DaemonEvent::Type::removed, {std::move(row)}}));
}

void Daemons::link_up() {
  link_.up();
  look_.start(milliseconds(0));
}

void Daemons::link_down() {
  link_.down();
  look_.start(milliseconds(0));
}

void Daemons::stop(std::function<void()> stopped) {
  stopped_ = std::move(stopped);
  look_at_files_.stop();
  waiting_.clear();  // the next agent goes on with them
  for (const auto& [name, daemon] : daemons_) {
    if (!daemon->record().spec.keep) {
      daemon->end_for_now();
    }
  }
  look_.start(milliseconds(0));
}

}  // namespace steward::handlers::daemon
