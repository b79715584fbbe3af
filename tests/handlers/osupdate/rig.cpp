#include "tests/handlers/osupdate/rig.hpp"

#include "handlers/osupdate/dpkg_state.hpp"
#include "subjects/wire/envelope.hpp"
#include "tests/handlers/run_until.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using namespace std::chrono_literals;

const runtime::LogSink& rig_log() {
  static const runtime::LogSink kSink(runtime::LogLevel::error, runtime::LogSink::Form::terminal);
  return kSink;
}

std::string rig_text(const std::filesystem::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (const char letter : text) {
    out += letter == '\'' ? "'\\''" : std::string(1, letter);
  }
  return out + "'";
}

}  // namespace

void Heard::reply(wire::Ack ack) {
  if (wire::is_terminal(ack.state)) {
    CHECK(!ends.contains(ack.ref));
    ends.emplace(ack.ref, std::move(ack));
  } else if (ack.state == wire::CommandState::queued) {
    queued.push_back(std::move(ack));
  }
}

void Heard::begin(const wire::MessageId& id, std::function<void()> then) {
  begun[id] = true;
  then();
}

Result<void> Heard::stream(std::string payload) {
  auto event = wire::decode_update_event(payload);
  REQUIRE_MESSAGE(event, payload);
  progress.push_back(*std::move(event));
  return {};
}

void Heard::record(std::string payload) {
  auto event = wire::decode_update_event(payload);
  REQUIRE_MESSAGE(event, payload);
  CHECK(wire::encode(*event) == payload);
  events.push_back(*std::move(event));
}

std::vector<std::string> Heard::phases(const std::string& id) const {
  std::vector<std::string> phases;
  for (const auto& event : events) {
    const std::string phase(wire::word(event.phase));
    if (event.id == id && event.type == wire::UpdateEvent::Type::phase &&
        (phases.empty() || phases.back() != phase)) {
      phases.push_back(phase);
    }
  }
  return phases;
}

Rig::Rig(const std::string& options)
    : own_packages_(rig_text("/var/lib/dpkg/status")),
      options_(options),
      processes_(std::make_unique<runtime::Processes>(loop)) {
  REQUIRE(run("make") == 0);
  begin();
}

Rig::~Rig() {
  handler_.reset();
  CHECK(until([this] { return pids_of("dpkg").empty() && pids_of("steward-shim").empty(); }));
  context_.reset();
  processes_.reset();
  CHECK(rig_text("/var/lib/dpkg/status") == own_packages_);
}

void Rig::begin() {
  const std::string lines = "shim = \"" STEWARD_BIN_DIR "/steward-shim\"\n" +
                            ("apt_config = \"" + (folder() / "apt.conf").string()) +
                            "\"\nroot = \"" + root().string() + "\"\ndpkg = \"" +
                            (folder() / "dpkg").string() + "\"\n" +
                            (options_.empty() ? "check_ms = 0\n" : options_);
  auto options = runtime::Options::parse(lines, "test.toml");
  REQUIRE(options);
  context_ =
      std::make_unique<runtime::Context>(runtime::Context{*wire::NodeName::parse("ship1"),
                                                          *wire::Token::parse("osupdate"),
                                                          *wire::Token::parse("system"),
                                                          loop,
                                                          heard,
                                                          clock,
                                                          runtime::Logger(rig_log(), "osupdate"),
                                                          *std::move(options),
                                                          folder() / "state",
                                                          *processes_,
                                                          *this});
  handler_ = std::make_unique<Updates>(*context_);
  CHECK(context_->options.problems().empty());
  REQUIRE(handler_->start());
}

int Rig::run(const std::string& command) const {
  return std::system((STEWARD_SOURCE_DIR "/tests/handlers/osupdate/repository.sh " +
                      folder().string() + " " + command)
                         .c_str());
}

void Rig::make(const Recipe& recipe) const {
  std::string environment = "env";
  for (const auto& [name, value] : {std::pair("CONTROL=", recipe.control),
                                    std::pair("POSTINST=", recipe.postinst),
                                    std::pair("PREINST=", recipe.preinst),
                                    std::pair("CONFFILE=", recipe.conffile),
                                    std::pair("SIZE=", recipe.bytes)}) {
    environment += value.empty() ? "" : " " + in_quotes(name + value);
  }
  REQUIRE(
      std::system((environment + " " STEWARD_SOURCE_DIR "/tests/handlers/osupdate/repository.sh " +
                   folder().string() + " package " + recipe.suite + " " + recipe.name + " " +
                   recipe.version)
                      .c_str()) == 0);
}

void Rig::publish(const std::string& how) const {
  REQUIRE(run("publish " + how) == 0);
  REQUIRE(apt("-o APT::Update::Error-Mode=any update") == 0);
}

std::string Rig::apt_line(const std::string& words) const {
  return "APT_CONFIG=" + (folder() / "apt.conf").string() +
         " DEBIAN_FRONTEND=noninteractive apt-get -qq -y " + words + " </dev/null >/dev/null 2>&1";
}

int Rig::apt(const std::string& words) const { return std::system(apt_line(words).c_str()); }

int Rig::apt_behind(const std::string& words) const {
  return std::system((apt_line(words) + " &").c_str());
}

void Rig::upgradable() {
  make({"web", "1.0"});
  make({"db", "1.0"});
  publish();
  REQUIRE(apt("install web db") == 0);
  make({"web", "2.0"});
  make({"db", "1.1", "security"});
  publish();
}

wire::MessageId Rig::send(const std::string& payload) {
  const auto id = clock.new_id();
  give(id, payload);
  return id;
}

void Rig::give(const wire::MessageId& id, const std::string& payload) {
  runtime::Command command{
      wire::make_envelope(id,
                          *wire::Source::parse("/operator/test"),
                          *wire::Subject::parse("ship1.command.osupdate.system"),
                          clock.now()),
      payload};
  command.begun = heard.begun.contains(id);
  auto admission = handler_->receive(command);
  if (!admission) {
    heard.reply({.ref = id,
                 .domain = "system",
                 .state = wire::CommandState::refused,
                 .code = std::string(word(admission.error().code)),
                 .message = admission.error().message});
    return;
  }
  CHECK(admission->ignored.empty());
  CHECK((!command.begun || admission->repeatable));
  open_[id] = payload;
  if (!admission->begins_itself) {
    heard.begun[id] = true;
  }
  admission->start();
}

wire::Ack Rig::end_of(const wire::MessageId& id) {
  REQUIRE(until([&] { return heard.ends.contains(id); }));
  return heard.ends.at(id);
}

wire::Ack Rig::ask(const std::string& payload) { return end_of(send(payload)); }

wire::UpdateOutcome Rig::outcome(const wire::Ack& ack) const {
  auto outcome = wire::decode_update_outcome(ack.result);
  REQUIRE_MESSAGE(outcome, ack.message);
  return *std::move(outcome);
}

wire::UpdatePlan Rig::plan(const std::string& more) {
  const auto ack = ask(R"({"op":"plan")" + (more.empty() ? "" : "," + more) + "}");
  REQUIRE_MESSAGE(ack.state == wire::CommandState::done, ack.message);
  return wire::decode_update_plan(ack.result).value();
}

std::string Rig::version(const std::string& package) const {
  const auto state = read_dpkg_state(root() / "var/lib/dpkg");
  REQUIRE(state);
  const auto at = state->packages.find(package);
  return at == state->packages.end() ? "" : at->second.version;
}

bool Rig::is_whole() const {
  const auto state = read_dpkg_state(root() / "var/lib/dpkg");
  return state && state->is_whole();
}

bool Rig::until(const std::function<bool()>& holds) { return runtime::until(loop, holds, 120s); }

void Rig::crash() {
  handler_.reset();
  begin();
  for (const auto& [id, payload] : std::map(open_)) {
    if (!heard.ends.contains(id)) {
      give(id, payload);
    }
  }
}

runtime::CancelOutcome Rig::cancel(const wire::MessageId& id) { return handler_->cancel(id); }

int Rig::kill_all(const std::string& program) const {
  const auto pids = pids_of(program);
  for (const auto pid : pids) {
    tests::send_signal(pid, SIGKILL);
  }
  return static_cast<int>(pids.size());
}

std::vector<pid_t> Rig::pids_of(const std::string& program) const {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos ||
        rig_text(entry.path() / "comm") != program + "\n") {
      continue;
    }
    const auto cwd = std::filesystem::read_symlink(entry.path() / "cwd", error).string();
    if (rig_text(entry.path() / "environ").find(folder().string()) != std::string::npos ||
        rig_text(entry.path() / "cmdline").find(folder().string()) != std::string::npos ||
        cwd.starts_with(folder().string())) {
      pids.push_back(std::stoi(name));
    }
  }
  return pids;
}

std::string Rig::file(const std::string& path) const { return rig_text(root() / path); }

void Rig::write(const std::string& path, const std::string& text) const {
  std::ofstream(root() / path, std::ios::binary) << text;
}

}  // namespace steward::handlers::osupdate
