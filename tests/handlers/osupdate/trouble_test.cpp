#include "tests/handlers/osupdate/rig.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <string>

namespace steward::handlers::osupdate::trouble_test {
namespace {

using wire::CommandState;
using wire::UpdatePhase;

using Words = std::vector<std::string>;

// A script that goes on only once a file is there.
std::string until_there(const std::filesystem::path& file) {
  return "while [ ! -e " + file.string() + " ]; do sleep 0.05; done";
}

bool has_phase(const Rig& rig, const wire::MessageId& id, const std::string& phase) {
  const auto phases = rig.heard.phases(id.str());
  return std::find(phases.begin(), phases.end(), phase) != phases.end();
}

TEST_CASE("osupdate: a package whose script fails is named, tried once more, and needs help") {
  Rig rig;
  rig.upgradable();
  rig.make({"web", "2.1", "main", "", "echo it is broken; exit 7"});
  rig.publish();
  const auto id = rig.send(R"({"op":"apply"})");
  const auto ack = rig.end_of(id);
  CHECK(ack.state == CommandState::failed);
  CHECK(ack.code == "exec_failed");
  const auto outcome = rig.outcome(ack);
  CHECK(outcome.failed == Words{"web"});
  REQUIRE(outcome.packages.size() == 1);
  CHECK(outcome.packages[0].name == "db");
  CHECK(outcome.needs_help);
  CHECK(outcome.log.find("it is broken") != std::string::npos);
  const auto phases = rig.heard.phases(id.str());
  CHECK(std::count(phases.begin(), phases.end(), "repairing") == 1);
  // A version that is well puts it right.
  rig.make({"web", "2.2"});
  rig.publish();
  const auto next = rig.ask(R"({"op":"apply"})");
  REQUIRE_MESSAGE(next.state == CommandState::done, next.message);
  CHECK(rig.outcome(next).repaired);
  CHECK(rig.version("web") == "2.2");
  CHECK(rig.is_whole());
}

TEST_CASE("osupdate: a script that asks gets no answer, and does not hang") {
  Rig rig;
  rig.upgradable();
  rig.make({"web",
            "2.1",
            "main",
            "",
            "read answer || answer=none; echo $answer >" + (rig.root() / "answer").string()});
  rig.publish();
  CHECK(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  CHECK(rig.file("answer") == "none\n");
}

TEST_CASE("osupdate: a script that hangs is told, let alone, and outlives agents") {
  Rig rig("check_ms = 0\nstall_ms = 1000\n");
  rig.upgradable();
  const auto gate = rig.root() / "gate";
  rig.make({"web", "2.1", "main", "", until_there(gate)});
  rig.publish();
  const auto id = rig.send(R"({"op":"apply"})");
  const auto stalled = [&rig] {
    return std::any_of(rig.heard.events.begin(), rig.heard.events.end(), [](const auto& event) {
      return event.type == wire::UpdateEvent::Type::stalled && event.package == "web";
    });
  };
  REQUIRE(rig.until(stalled));
  const auto before = rig.pids_of("dpkg");
  REQUIRE(!before.empty());
  rig.crash();
  // It is too late to cancel it, and whoever comes now waits.
  const auto second = rig.send(R"({"op":"hold","packages":["db"]})");
  const auto status = nlohmann::json::parse(rig.ask(R"({"op":"status"})").result);
  CHECK(status["run"]["id"] == id.str());
  CHECK(status["run"]["phase"] == "applying");
  CHECK(status["queued"] == nlohmann::json{second.str()});
  CHECK(rig.pids_of("dpkg") == before);
  rig.crash();
  std::ofstream(gate).flush();
  const auto ack = rig.end_of(id);
  CHECK(ack.state == CommandState::done);
  CHECK(!rig.outcome(ack).repaired);
  CHECK(rig.end_of(second).state == CommandState::done);
  CHECK(rig.version("web") == "2.1");
}

TEST_CASE("osupdate: the lock is waited for, with its holder named, and never broken") {
  Rig rig;
  rig.upgradable();
  const auto gate = rig.root() / "gate";
  rig.make({"slow", "1.0", "main", "", until_there(gate)});
  rig.publish();
  REQUIRE(rig.apt_behind("install slow") == 0);
  REQUIRE(rig.until([&rig] { return !rig.pids_of("slow.postinst").empty(); }));
  const auto impatient = rig.ask(R"({"op":"apply","exclude":["slow"],"lock_wait_ms":1500})");
  CHECK_MESSAGE(impatient.code == "timed_out", impatient.message);
  CHECK(impatient.message.find("(apt-get)") != std::string::npos);
  const auto cancelled = rig.send(R"({"op":"apply"})");
  const auto id = rig.send(R"({"op":"apply"})");
  REQUIRE(rig.heard.queued.size() == 1);
  REQUIRE(rig.until([&] {
    return std::any_of(rig.heard.events.begin(), rig.heard.events.end(), [&](const auto& event) {
      return event.id == cancelled.str() && event.text.find("(apt-get)") != std::string::npos;
    });
  }));
  CHECK(rig.cancel(cancelled) == runtime::CancelOutcome::cancelled);
  CHECK(rig.end_of(cancelled).state == CommandState::cancelled);
  REQUIRE(rig.until([&] { return has_phase(rig, id, "planning"); }));
  CHECK(rig.version("web") == "1.0");
  std::ofstream(gate).flush();
  const auto ack = rig.end_of(id);
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  CHECK(rig.version("web") == "2.0");
  CHECK(rig.version("slow") == "1.0");
}

TEST_CASE("osupdate: a repository that is not signed as it should be is refused by name") {
  Rig rig;
  rig.make({"web", "1.0"});
  rig.publish("sign");
  CHECK(rig.ask(R"({"op":"check","refresh":true})").state == CommandState::done);
  // Other contents under an old signature.
  rig.make({"web", "2.0"});
  const auto main = rig.folder() / "main/dists/main";
  std::filesystem::copy(main / "InRelease", rig.folder() / "kept");
  rig.publish("sign");
  std::filesystem::copy(
      rig.folder() / "kept", main / "InRelease", std::filesystem::copy_options::overwrite_existing);
  std::filesystem::remove_all(rig.root() / "var/lib/apt/lists");
  const auto mismatch = rig.ask(R"({"op":"check","refresh":true})");
  CHECK(mismatch.state == CommandState::failed);
  CHECK(mismatch.code == "unavailable");
  CHECK(mismatch.message.find("main") != std::string::npos);
  // A signature by nobody that is known.
  std::ofstream(rig.folder() / "key.gpg").flush();
  const auto unknown = rig.ask(R"({"op":"check","refresh":true})");
  CHECK(unknown.code == "bad_signature");
  CHECK(unknown.message.find("main") != std::string::npos);
}

TEST_CASE("osupdate: an archive that is not what was promised is not installed") {
  Rig rig;
  rig.upgradable();
  const auto archive = rig.folder() / "main/pool/web_2.0_all.deb";
  const auto size = std::filesystem::file_size(archive);
  std::filesystem::resize_file(archive, size / 2);
  std::filesystem::resize_file(archive, size);
  const auto ack = rig.ask(R"({"op":"apply"})");
  CHECK(ack.state == CommandState::failed);
  CHECK(ack.code == "unavailable");
  CHECK(ack.message.find("web") != std::string::npos);
  CHECK(rig.version("web") == "1.0");
  CHECK(rig.version("db") == "1.0");
  CHECK(rig.is_whole());
}

TEST_CASE("osupdate: without room nothing is begun") {
  Rig rig;
  rig.upgradable();
  rig.make({"web", "2.1", "main", "Installed-Size: 99999999999"});
  rig.publish();
  const auto ack = rig.ask(R"({"op":"apply"})");
  CHECK(ack.code == "no_space");
  CHECK(rig.version("db") == "1.0");
}

// Killed between the last file of a package and its word for it.
TEST_CASE("osupdate: what dpkg had unpacked but not said so is unpacked again") {
  Rig rig;
  rig.upgradable();
  REQUIRE(rig.ask(R"({"op":"apply"})").state == CommandState::done);
  auto status = rig.file("var/lib/dpkg/status");
  const auto web = status.find("install ok installed", status.find("Package: web"));
  REQUIRE(web != std::string::npos);
  status.replace(web, 20, "install reinstreq unpacked");
  rig.write("var/lib/dpkg/status", status);
  std::filesystem::remove(rig.root() / "opt/web/version");
  CHECK(!rig.is_whole());
  const auto ack = rig.ask(R"({"op":"apply"})");
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  CHECK(rig.outcome(ack).repaired);
  CHECK(rig.is_whole());
  CHECK(rig.version("web") == "2.0");
  CHECK(rig.file("opt/web/version") == "2.0\n");
}

TEST_CASE("osupdate: a dpkg that somebody has interrupted is repaired first") {
  Rig rig;
  rig.upgradable();
  const auto gate = rig.root() / "gate";
  rig.make({"half", "1.0", "main", "", until_there(gate)});
  rig.publish();
  REQUIRE(rig.apt_behind("install half") == 0);
  REQUIRE(rig.until([&rig] { return !rig.pids_of("half.postinst").empty(); }));
  for (const char* program : {"apt-get", "dpkg", "half.postinst"}) {
    rig.kill_all(program);
  }
  std::ofstream(gate).flush();
  CHECK(!rig.is_whole());
  const auto ack = rig.ask(R"({"op":"apply"})");
  REQUIRE_MESSAGE(ack.state == CommandState::done, ack.message);
  CHECK(rig.outcome(ack).repaired);
  CHECK(rig.version("web") == "2.0");
  CHECK(rig.is_whole());
}

}  // namespace
}  // namespace steward::handlers::osupdate::trouble_test
