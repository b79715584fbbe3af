#include "handlers/facts/facts.hpp"

#include "tests/handlers/listener.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/watchdog.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace steward::handlers::facts::facts_test {
namespace {

using nlohmann::json;

// A facts handler on a loop that the test runs, its machine, state and facts.d in one folder.
struct Room {
  explicit Room(std::string toml = "") : toml_(std::move(toml)) {
    write("machine/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    std::filesystem::create_directories(folder.path() / "facts.d");
    begin();
  }

  // A new agent on the same disk.
  void begin() {
    handler.reset();
    options = *runtime::Options::parse(
        "directory = '" + (folder.path() / "facts.d").string() + "'\ntimeout_ms = 500\n" + toml_,
        "t.toml");
    context = std::make_unique<runtime::Context>(runtime::Context{*wire::NodeName::parse("ship1"),
                                                                  *wire::Token::parse("facts"),
                                                                  *wire::Token::parse("system"),
                                                                  loop,
                                                                  listener,
                                                                  clock,
                                                                  runtime::Logger(log, "facts"),
                                                                  options,
                                                                  folder.path() / "state",
                                                                  processes,
                                                                  vitals});
    handler = std::make_unique<FactsHandler>(*context, (folder.path() / "machine").string());
    REQUIRE(handler->start());
  }

  void write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    const auto path = folder.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::trunc) << text;
    ::chmod(path.c_str(), mode);
  }

  // What the handler answers, once it does.
  json ask(const std::string& payload) {
    auto envelope = wire::make_envelope(clock.new_id(),
                                        *wire::Source::parse("/operator/eva"),
                                        *wire::Subject::parse("ship1.command.facts.system"),
                                        clock.now());
    auto admission = handler->receive({std::move(envelope), payload});
    REQUIRE(admission);
    const auto before = listener.acks.size();
    listener.stop_after_acks = before + 1;
    admission->start();
    if (listener.acks.size() == before) {
      loop.run();
    }
    REQUIRE(listener.acks.size() == before + 1);
    CHECK(listener.acks.back().state == wire::CommandState::done);
    return json::parse(listener.acks.back().result);
  }

  // As a station does: all that was recorded, one over the other.
  wire::Facts told() const {
    wire::Facts facts;
    for (const auto& payload : listener.recorded) {
      REQUIRE(wire::apply_facts(*wire::decode_facts_event(payload), facts));
    }
    return facts;
  }

  const tests::Watchdog watchdog;
  const tests::TemporaryFolder folder;
  tests::RealClock clock;
  tests::HeardVitals vitals;
  runtime::Loop loop;
  runtime::Processes processes{loop};
  runtime::LogSink log{runtime::LogLevel::error, runtime::LogSink::Form::terminal};
  tests::Listener listener{loop};
  runtime::Options options;
  std::unique_ptr<runtime::Context> context;
  std::unique_ptr<FactsHandler> handler;

 private:
  const std::string toml_;
};

TEST_CASE("facts: all are told once, and then only what has changed") {
  Room room;
  REQUIRE(room.listener.recorded.size() == 1);
  CHECK(room.told().at("os.version") == "\"12\"");
  CHECK(room.told().at("agent.version") == "\"7\"");
  CHECK(room.vitals.facts == wire::hash_of(room.told()));
  room.ask(R"({"op":"refresh"})");
  CHECK(room.listener.recorded.size() == 1);
  room.write("machine/etc/os-release", "ID=debian\nVERSION_ID=13\n");
  room.ask(R"({"op":"refresh"})");
  REQUIRE(room.listener.recorded.size() == 2);
  const auto change = wire::decode_facts_event(room.listener.recorded[1]);
  CHECK(change->facts == wire::Facts{{"os.version", "\"13\""}});
  CHECK(change->gone.empty());
  CHECK(room.listener.recorded[1].size() < 120);
  CHECK(room.vitals.facts == wire::hash_of(room.told()));
}

TEST_CASE("facts: an agent that starts again tells nothing that it has told") {
  Room room;
  room.begin();
  CHECK(room.listener.recorded.size() == 1);
  CHECK(room.vitals.facts == wire::hash_of(room.told()));
  room.write("machine/etc/os-release", "ID=debian\n");
  room.begin();
  REQUIRE(room.listener.recorded.size() == 2);
  CHECK(room.told().count("os.version") == 0);
}

TEST_CASE("facts: told what was told is damaged, all are told anew") {
  Room room;
  room.write("state/told.json", "{\"os\":");
  room.begin();
  REQUIRE(room.listener.recorded.size() == 2);
  CHECK(wire::decode_facts_event(room.listener.recorded[1])->base.empty());
}

TEST_CASE("facts: asked to, it tells all of them again") {
  Room room;
  CHECK(room.ask(R"({"op":"tell"})").at("hash") == room.vitals.facts);
  REQUIRE(room.listener.recorded.size() == 2);
  CHECK(wire::decode_facts_event(room.listener.recorded[1])->base.empty());
}

TEST_CASE("facts: labels of the configuration, set and taken away by command, kept") {
  Room room("labels = ['site=oslo', 'tier=1']");
  CHECK(room.told().at("labels.site") == "\"oslo\"");
  const auto set = room.ask(R"({"op":"set","labels":{"tier":"2","site":null,"role":"db"}})");
  CHECK(set.at("labels") == json{{"tier", "2"}, {"role", "db"}});
  CHECK(room.told().count("labels.site") == 0);
  room.begin();
  CHECK(room.told().at("labels.tier") == "\"2\"");
  CHECK(room.told().at("labels.role") == "\"db\"");
  CHECK(room.told().count("labels.site") == 0);
  room.ask(R"({"op":"set","labels":{"site":"bergen","role":null}})");
  CHECK(room.told().at("labels.site") == "\"bergen\"");
  CHECK(room.told().count("labels.role") == 0);
}

TEST_CASE("facts: what is asked for comes, with what stands below it") {
  Room room;
  const auto found = room.ask(R"({"op":"get","keys":["os","agent.version"]})");
  CHECK(found.at("facts") == json{{"os", "debian"}, {"os.version", "12"}, {"agent.version", "7"}});
}

TEST_CASE("external facts: JSON, lines and programs add theirs") {
  Room room;
  room.write("facts.d/rack.json", R"({"rack":{"row":3},"ports":[80,443]})");
  room.write("facts.d/role.sh", "#!/bin/sh\necho role=db\necho '# no'\necho zone = north\n", 0755);
  room.write("facts.d/whole", "#!/bin/sh\necho '{\"cabin\":{\"deck\":2}}'\n", 0755);
  room.write("facts.d/.hidden.json", R"({"hidden":1})");
  const auto found =
      room.ask(R"({"op":"refresh","keys":["rack","ports","role","zone","cabin","hidden"]})");
  CHECK(found.at("facts") == json{{"rack.row", 3},
                                  {"ports", {80, 443}},
                                  {"role", "db"},
                                  {"zone", "north"},
                                  {"cabin.deck", 2}});
  CHECK_FALSE(found.contains("errors"));
}

TEST_CASE("external facts: one that fails keeps what it said before, and delays no other") {
  Room room;
  room.write("facts.d/a.sh", "#!/bin/sh\necho a=1\n", 0755);
  room.write("facts.d/b.sh", "#!/bin/sh\necho b=1\n", 0755);
  room.ask(R"({"op":"refresh"})");
  room.write("facts.d/a.sh", "#!/bin/sh\necho a=2; exit 3\n", 0755);
  room.write("facts.d/b.sh", "#!/bin/sh\necho b=2\n", 0755);
  room.write("facts.d/c.json", "{\"c\":");
  const auto found = room.ask(R"({"op":"refresh","keys":["a","b","c"]})");
  CHECK(found.at("facts") == json{{"a", "1"}, {"b", "2"}});
  CHECK(found.at("errors").at("a.sh") == "bad_payload: ended with exit status 3");
  CHECK(found.at("errors").contains("c.json"));
}

TEST_CASE("external facts: a program that hangs or floods is ended with all that it started") {
  Room room;
  const auto mark = (room.folder.path() / "pid").string();
  room.write("facts.d/hang.sh", "#!/bin/sh\nsleep 300 &\necho $! > " + mark + "\nwait\n", 0755);
  room.write("facts.d/flood.sh", "#!/bin/sh\nyes a=1\n", 0755);
  room.write("facts.d/good.sh", "#!/bin/sh\necho good=1\n", 0755);
  const auto found = room.ask(R"({"op":"refresh","keys":["good"]})");
  CHECK(found.at("facts") == json{{"good", "1"}});
  CHECK(found.at("errors").at("hang.sh") == "timed_out: did not end in time");
  CHECK(found.at("errors").at("flood.sh") == "too_large: says more than 65536 bytes");
  int pid = 0;
  std::ifstream(mark) >> pid;
  REQUIRE(pid > 0);
  runtime::Timer look(room.loop, [&] {
    if (!tests::is_there(pid)) {
      room.loop.stop();
    }
  });
  look.start_every(std::chrono::milliseconds(20));
  room.loop.run();
  CHECK(!tests::is_there(pid));
}

TEST_CASE("external facts: a file that others can write is not run, and nobody speaks for us") {
  Room room("labels = ['site=oslo']");
  const auto ran = (room.folder.path() / "ran").string();
  room.write("facts.d/open.sh", "#!/bin/sh\ntouch " + ran + "\necho open=1\n", 0777);
  room.write("facts.d/lies.json", R"({"os":"other","labels":{"x":"1"},"own":1})");
  const auto found = room.ask(R"({"op":"refresh","keys":["os","labels","own","open"]})");
  CHECK(found.at("facts") ==
        json{{"os", "debian"}, {"os.version", "12"}, {"labels.site", "oslo"}, {"own", 1}});
  CHECK(found.at("errors").at("open.sh").get<std::string>().starts_with("permission: "));
  CHECK(found.at("errors").contains("lies.json"));
  CHECK_FALSE(std::filesystem::exists(ran));
}

TEST_CASE("external facts: a file that has gone takes its facts along") {
  Room room;
  room.write("facts.d/a.json", R"({"a":1})");
  room.ask(R"({"op":"refresh"})");
  CHECK(room.told().count("a") == 1);
  std::filesystem::remove(room.folder.path() / "facts.d/a.json");
  room.ask(R"({"op":"refresh"})");
  CHECK(room.told().count("a") == 0);
}

TEST_CASE("facts: a label in the configuration that is none is said with its place") {
  Room room("labels = ['site=oslo', 'Bad=1', 'none']");
  const auto problems = room.options.problems();
  CHECK(problems.size() == 2);
  CHECK(room.told().at("labels.site") == "\"oslo\"");
}

}  // namespace
}  // namespace steward::handlers::facts::facts_test
