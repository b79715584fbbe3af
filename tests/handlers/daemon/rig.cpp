#include "tests/handlers/daemon/rig.hpp"

#include "subjects/wire/envelope.hpp"
#include "tests/handlers/run_until.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using namespace std::chrono_literals;

const runtime::LogSink& quiet() {
  static const runtime::LogSink kSink(runtime::LogLevel::error, runtime::LogSink::Form::terminal);
  return kSink;
}

std::string text_of(const std::filesystem::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

void Heard::reply(wire::Ack ack) {
  if (wire::is_terminal(ack.state)) {
    CHECK(!ends.contains(ack.ref));
    ends.emplace(ack.ref, std::move(ack));
  }
}

void Heard::record(std::string payload) {
  auto event = wire::decode_daemon_event(payload);
  REQUIRE_MESSAGE(event, payload);
  CHECK(wire::encode(*event) == payload);
  events.push_back(*std::move(event));
}

void Heard::alert(std::string payload) {
  auto event = wire::decode_alert_event(payload);
  REQUIRE(event);
  alerts.push_back(*std::move(event));
}

std::vector<std::string> Heard::states(const std::string& name) const {
  std::vector<std::string> states;
  for (const auto& event : events) {
    if (event.type == wire::DaemonEvent::Type::state && event.daemons.front().name == name) {
      states.emplace_back(wire::word(event.daemons.front().state));
    }
  }
  return states;
}

std::vector<wire::DaemonExit> Heard::exits(const std::string& name) const {
  std::vector<wire::DaemonExit> exits;
  for (const auto& event : events) {
    if (event.type == wire::DaemonEvent::Type::exit && event.daemons.front().name == name) {
      exits.push_back(event.daemons.front().last_exit.value());
    }
  }
  return exits;
}

Rig::Rig(std::string options)
    : options_(std::move(options)), processes_(std::make_unique<runtime::Processes>(loop)) {
  begin();
}

// Nothing of a test goes on after it.
Rig::~Rig() {
  std::error_code error;
  std::filesystem::remove_all(specs(), error);
  const auto list = ask(R"({"op":"list"})");
  const auto parsed = nlohmann::json::parse(list.result);
  for (const auto& row : parsed.at("daemons")) {
    CHECK(order("stop", row["name"]).state == wire::CommandState::done);
  }
  stop();
  context_.reset();
  processes_.reset();
}

void Rig::begin() {
  auto options = runtime::Options::parse("shim = \"" STEWARD_BIN_DIR "/steward-shim\"\nfiles = \"" +
                                             specs().string() + "\"\n" + options_,
                                         "test.toml");
  REQUIRE(options);
  context_ = std::make_unique<runtime::Context>(runtime::Context{*wire::NodeName::parse("ship1"),
                                                                 *wire::Token::parse("daemon"),
                                                                 *wire::Token::parse("system"),
                                                                 loop,
                                                                 heard,
                                                                 clock_,
                                                                 runtime::Logger(quiet(), "daemon"),
                                                                 *std::move(options),
                                                                 folder() / "state",
                                                                 *processes_,
                                                                 *this});
  handler_ = std::make_unique<Daemons>(*context_);
  REQUIRE(handler_->start());
  handler_->link_up();
}

void Rig::link(bool up) { up ? handler_->link_up() : handler_->link_down(); }

void Rig::stop() {
  bool stopped = false;
  handler_->stop([&stopped] { stopped = true; });
  CHECK(until([&stopped] { return stopped; }));
  handler_.reset();
}

void Rig::restart() {
  stop();
  begin();
}

void Rig::crash() {
  away([] {});
}

void Rig::away(const std::function<void()>& meanwhile) {
  handler_.reset();
  meanwhile();
  begin();
}

wire::MessageId Rig::send(const std::string& payload) {
  const auto id = clock_.new_id();
  const runtime::Command command{
      wire::make_envelope(id,
                          *wire::Source::parse("/operator/test"),
                          *wire::Subject::parse("ship1.command.daemon.system"),
                          clock_.now()),
      payload};
  auto admission = handler_->receive(command);
  if (!admission) {
    heard.reply({.ref = id,
                 .domain = "system",
                 .state = wire::CommandState::refused,
                 .code = std::string(word(admission.error().code)),
                 .message = admission.error().message});
    return id;
  }
  CHECK(admission->ignored.empty());
  admission->start();
  return id;
}

wire::Ack Rig::ask(const std::string& payload) {
  const auto id = send(payload);
  REQUIRE_MESSAGE(until([&] { return heard.ends.contains(id); }), payload);
  return heard.ends.at(id);
}

wire::Ack Rig::apply(const std::string& name,
                     const std::string& script,
                     const std::string& more,
                     const std::string& options) {
  const auto argv = nlohmann::json(std::vector<std::string>{"sh", "-c", script}).dump();
  return ask(R"({"op":"apply","spec":{"name":")" + name + R"(","argv":)" + argv +
             (more.empty() ? "" : "," + more) + "}" + (options.empty() ? "" : "," + options) + "}");
}

wire::Ack Rig::order(const std::string& op, const std::string& name) {
  return ask(R"({"op":")" + op + R"(","name":")" + name + R"("})");
}

wire::DaemonRow Rig::row(const std::string& name) {
  const auto ack = order("status", name);
  REQUIRE_MESSAGE(ack.state == wire::CommandState::done, ack.message);
  auto row = wire::decode_daemon_row(ack.result);
  REQUIRE(row);
  return *std::move(row);
}

bool Rig::until(const std::function<bool()>& holds) { return runtime::until(loop, holds, 60s); }

bool Rig::becomes(const std::string& name, wire::DaemonState state) {
  return until([&] { return row(name).state == state; });
}

int copies_of(const std::string& text) {
  int copies = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    copies += name.find_first_not_of("0123456789") == std::string::npos &&
                      text_of(entry.path() / "cmdline").find(text) != std::string::npos
                  ? 1
                  : 0;
  }
  return copies;
}

}  // namespace steward::handlers::daemon
