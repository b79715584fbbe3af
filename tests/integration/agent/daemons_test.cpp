// An agent that dies again and again leaves its daemons alone, and misses none of their ends.

#include "subjects/wire/daemon.hpp"
#include "tests/integration/agent/fleet.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <sstream>
#include <thread>

namespace steward::tests::daemons_test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

#if defined(__SANITIZE_THREAD__)
constexpr int kUsualKills = 60;  // each takes three times as long
#else
constexpr int kUsualKills = 80;
#endif
constexpr int kOfEachKind = 10;

// A broker, an agent with daemons on it, and who listens.
struct Unit {
  std::unique_ptr<NatsServer> server = NatsServer::start();
  std::unique_ptr<Listener> listener;
  std::unique_ptr<AgentProcess> agent;

  Unit() {
    if (server) {
      listener = std::make_unique<Listener>(server->url());
      agent = std::make_unique<AgentProcess>(server->url());
      await_hello();
    }
  }

  void await_hello() const {
    REQUIRE(listener->wait([](const Listener& heard) { return !heard.hellos.empty(); }));
  }

  // The result of an operation, once it is done.
  json ask(const json& request) const {
    const auto id = listener->command("ship1.command.daemon.system", request.dump());
    json result;
    const bool came = listener->wait([&](const Listener& heard) {
      const auto end = std::find_if(heard.acks.begin(), heard.acks.end(), [&](const auto& ack) {
        return ack.ref == id && wire::is_terminal(ack.state);
      });
      if (end == heard.acks.end()) {
        return false;
      }
      CHECK_MESSAGE(end->state == wire::CommandState::done, end->message);
      result = json::parse(end->result, nullptr, false);
      return true;
    });
    REQUIRE_MESSAGE(came, agent->log());
    return result;
  }

  void apply(const std::string& name, const std::string& script) const {
    ask({{"op", "apply"},
         {"spec",
          {{"name", name},
           {"argv", {"sh", "-c", script, mark(name)}},
           {"restart", {{"min_ms", 100}, {"factor", 1}}}}}});
  }

  // In the command line of its first process, and nobody else's.
  std::string mark(const std::string& name) const { return agent->folder().string() + "/" + name; }

  std::map<std::string, std::int64_t> pids() const {
    std::map<std::string, std::int64_t> pids;
    const auto list = ask({{"op", "list"}});
    for (const auto& row : list.at("daemons")) {
      pids[row["name"]] = row.value("pid", 0);
    }
    return pids;
  }

  int copies(const std::string& name) const {
    int count = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
      std::ifstream file(entry.path() / "cmdline");
      std::ostringstream text;  // of a process that goes meanwhile: nothing
      text << file.rdbuf();
      const auto line = text.str();
      count += line.starts_with("sh") && line.ends_with(mark(name) + '\0') ? 1 : 0;
    }
    return count;
  }

  // Codes with which it ended, each run once.
  std::vector<std::int64_t> ends(const std::string& name) const {
    std::map<wire::Timestamp, std::int64_t> by_start;
    listener->wait([&](const Listener& heard) {
      for (const auto& payload : heard.daemons) {
        const auto event = wire::decode_daemon_event(payload);
        REQUIRE(event);
        const auto& row = event->daemons.front();
        if (event->type == wire::DaemonEvent::Type::exit && row.name == name) {
          by_start[row.last_exit->started] = row.last_exit->exit_code.value_or(-1);
        }
      }
      return true;
    });
    std::vector<std::int64_t> codes;
    for (const auto& [start, code] : by_start) {
      codes.push_back(code);
    }
    return codes;
  }
};

std::string numbered(const char* kind, int number) { return kind + std::to_string(number); }

// What of numbered lines is not as it should be: they begin with 1, none missing. Empty: nothing.
std::string damage(const std::string& text) {
  std::istringstream lines(text);
  std::int64_t expected = 1;
  for (std::string line; std::getline(lines, line); ++expected) {
    if (line != std::to_string(expected)) {
      return "'" + line + "' in place of line " + std::to_string(expected);
    }
  }
  return expected > 1 ? "" : "no lines";
}

// All that is kept of what a daemon has said, in order of the files' offsets.
std::string said(const std::filesystem::path& state, const std::string& name) {
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(state)) {
    if (entry.path().filename().string().starts_with("1-") &&
        entry.path().parent_path().filename() == name) {
      files.insert(entry.path());
    }
  }
  std::string text;
  for (const auto& file : files) {
    std::ifstream stream(file);
    text.append(std::istreambuf_iterator<char>(stream), {});
  }
  return text;
}

}  // namespace

TEST_CASE("agent: killed at random points, it leaves daemons as they are and tells every end") {
  Unit unit;
  if (!unit.server) {
    return;
  }
  for (int i = 0; i < kOfEachKind; ++i) {
    unit.apply(numbered("talks", i),
               "exec 2>/dev/null; i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done");
    // The last run may be ended at any place in it.
    const auto count = (unit.agent->folder() / numbered("count", i)).string();
    std::ofstream(count) << 0;
    unit.apply(numbered("ends", i),
               "n=$(cat " + count + ") || exit 1; n=$((n+1)); echo $n >" + count + ".new; mv " +
                   count + ".new " + count + "; sleep 0." + std::to_string(3 + i) +
                   "; exit $((n % 200))");
  }
  const auto before = unit.pids();

  const int kills = std::getenv("STEWARD_LONG") != nullptr ? 1'000 : kUsualKills;
  std::random_device seed;
  std::minstd_rand random(seed());
  for (int i = 0; i < kills; ++i) {
    std::this_thread::sleep_for(milliseconds(random() % 600));
    unit.agent->end_by(SIGKILL);
    unit.agent->start();
  }
  unit.listener->forget_hellos();
  unit.await_hello();

  for (int i = 0; i < kOfEachKind; ++i) {
    const auto name = numbered("ends", i);
    unit.ask({{"op", "stop"}, {"name", name}});
    std::ifstream file(unit.agent->folder() / numbered("count", i));
    std::int64_t runs = 0;
    file >> runs;
    REQUIRE_MESSAGE(runs > 1, name << " has run " << runs << " times");
    // Of each run its own code; the last may have been ended by the stop.
    bool whole = false;
    std::vector<std::int64_t> ends;
    for (int attempt = 0; attempt < 300 && !whole; ++attempt) {
      ends = unit.ends(name);
      whole = ends.size() + 1 >= static_cast<std::size_t>(runs);
      std::this_thread::sleep_for(milliseconds(whole ? 0 : 100));
    }
    REQUIRE_MESSAGE(whole, name << ": " << ends.size() << " ends of " << runs << " runs");
    for (std::size_t run = 0; run + 1 < ends.size(); ++run) {
      CHECK_MESSAGE(ends[run] == static_cast<std::int64_t>((run + 1) % 200), name);
    }
  }
  const auto after = unit.pids();
  for (int i = 0; i < kOfEachKind; ++i) {
    const auto name = numbered("talks", i);
    CHECK(after.at(name) == before.at(name));
    CHECK(unit.copies(name) == 1);
    CHECK(unit.copies(numbered("ends", i)) == 0);
    unit.ask({{"op", "stop"}, {"name", name}});
    CHECK(damage(said(unit.agent->folder(), name)) == "");
  }
}

}  // namespace steward::tests::daemons_test
