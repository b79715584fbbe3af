#include "subjects/bus/nats_bus.hpp"
#include "tests/support/demo.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/text.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>

namespace steward::tests::away_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool eventually(const std::function<bool()>& is_so) {
  return steward::tests::eventually(
      is_so, std::chrono::seconds(40), std::chrono::milliseconds(100));
}

// A demo of one unit, and ship9, which has gone away.
struct Scene {
  Scene() : demo(Demo::start({1, std::chrono::milliseconds(500)})) {
    if (demo) {
      demo->start_unit("ship9");
      demo->kill_unit("ship9");
    }
  }

  std::string start(const std::vector<std::string>& more) const {
    std::vector<std::string> words{"run", "ship9", "--no-wait", "-o", "name"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = demo->ctl(words);
    CAPTURE(ended.err);
    REQUIRE(ended.status == 0);
    REQUIRE(ended.out.size() == 27);
    return ended.out.substr(0, 26);
  }

  json unit_of(const std::string& job) const {
    const Ended ended = demo->ctl({"jobs", "show", job, "-o", "json"});
    REQUIRE(ended.status == 0);
    return json::parse(ended.out).at("units").at(0);
  }

  std::unique_ptr<Demo> demo;
};

}  // namespace

TEST_CASE(
    "stewardctl run: a unit that is away is shown as queued with its expiry, and does it later") {
  const Scene scene;
  if (!scene.demo) {
    return;
  }
  const auto mark = scene.demo->folder() / "mark";
  const Ended ended =
      scene.demo->ctl({"run", "--all", "--wait", "1s", "--shell", "echo run >> " + mark.string()});
  CAPTURE(ended.out);
  CHECK(ended.status == 4);
  CHECK(has(ended.out, "demo1  exit 0"));
  CHECK(has(ended.out, "ship9  queued until "));
  CHECK(has(ended.err, "1 ok, 0 failed, 1 pending"));
  const auto wait = ended.err.find("stewardctl jobs wait ");
  REQUIRE(wait != std::string::npos);
  const std::string job = ended.err.substr(wait + 21, 26);
  CHECK(text_of(mark) == "run\n");

  const Ended told = scene.demo->ctl({"jobs", "wait", job, "--wait", "1s", "-o", "json"});
  CHECK(told.status == 4);
  const json units = json::parse(told.out).at("units");
  REQUIRE(units.size() == 2);
  CHECK(units[1].at("unit") == "ship9");
  CHECK(units[1].at("state") == "sent");
  CHECK(units[1].at("expires").is_string());
  CHECK(has(scene.demo->ctl({"jobs", "ls", "--open", "-o", "name"}).out, job));

  scene.demo->start_unit("ship9");
  const Ended waited = scene.demo->ctl({"jobs", "wait", job});
  CAPTURE(waited.out);
  CHECK(waited.status == 0);
  CHECK(text_of(mark) == "run\nrun\n");
}

TEST_CASE("stewardctl run: what waited for a unit is run in its order, each once") {
  const Scene scene;
  if (!scene.demo) {
    return;
  }
  const auto log = scene.demo->folder() / "log";
  std::string wanted;
  std::string last;
  for (int i = 1; i <= 8; ++i) {
    last = scene.start({"--shell", "echo " + std::to_string(i) + " >> " + log.string()});
    wanted += std::to_string(i) + "\n";
  }
  scene.demo->start_unit("ship9");
  CHECK(scene.demo->ctl({"jobs", "wait", last}).status == 0);
  CHECK(text_of(log) == wanted);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  CHECK(text_of(log) == wanted);
}

TEST_CASE("stewardctl jobs cancel: reaches a command for a unit that is away") {
  const Scene scene;
  if (!scene.demo) {
    return;
  }
  const auto mark = scene.demo->folder() / "mark";
  const std::string job = scene.start({"--shell", "touch " + mark.string()});
  const std::string next = scene.start({"--shell", "true"});
  const Ended cancelled = scene.demo->ctl({"jobs", "cancel", job, "--wait", "1s"});
  CHECK(has(cancelled.err, "Cancel sent to 1 unit."));
  CHECK(eventually([&] { return scene.unit_of(job).at("state") == "cancelled"; }));
  CHECK(scene.unit_of(job).at("message") == "cancelled before the unit had it");
  scene.demo->start_unit("ship9");
  CHECK(scene.demo->ctl({"jobs", "wait", next}).status == 0);
  CHECK_FALSE(std::filesystem::exists(mark));
  CHECK(scene.unit_of(job).at("state") == "cancelled");
}

TEST_CASE("stewardctl jobs: what expired or failed is listed with its reason, and sent again") {
  const Scene scene;
  if (!scene.demo) {
    return;
  }
  CHECK(has(scene.demo->ctl({"jobs", "ls", "--failed"}).err, "Nothing has failed."));
  const auto log = scene.demo->folder() / "log";
  const std::string expired =
      scene.start({"--expires", "1s", "--shell", "echo late >> " + log.string()});
  CHECK(eventually([&] { return scene.unit_of(expired).at("state") == "expired"; }));
  const json row = json::parse(scene.demo->ctl({"jobs", "ls", "--failed", "-o", "json"}).out).at(0);
  CHECK(row.at("job") == expired);
  CHECK(row.at("unit") == "ship9");
  CHECK(row.at("state") == "expired");
  CHECK(row.at("code") == "expired");
  CHECK(row.at("message") == "its time passed without a word from the unit");

  const Ended again = scene.demo->ctl({"jobs", "retry", expired, "--no-wait", "-o", "name"});
  CAPTURE(again.err);
  REQUIRE(again.status == 0);
  const std::string job = again.out.substr(0, 26);
  CHECK(job != expired);
  scene.demo->start_unit("ship9");
  CHECK(scene.demo->ctl({"jobs", "wait", job}).status == 0);
  CHECK(text_of(log) == "late\n");
  const json shown = json::parse(scene.demo->ctl({"jobs", "show", job, "-o", "json"}).out);
  CHECK(shown.at("retries") == expired);
  CHECK(has(scene.demo->ctl({"jobs", "show", job}).out, "job " + expired));
  CHECK(scene.unit_of(expired).at("state") == "expired");
}

TEST_CASE(
    "stewardctl jobs retry: only what failed, only where it is asked for, never without secrets") {
  const auto demo = Demo::start({3, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  const auto flag = demo->folder() / "flag";
  const auto log = demo->folder() / "log";
  // Each unit has a name of its own in its agent's arguments: demo1 succeeds, the others do not.
  const std::string script = "echo x >> " + log.string() + "; test -e " + flag.string();
  const Ended failed = demo->ctl({"run", "demo2,demo3", "--shell", script});
  CHECK(failed.status == 1);
  const Ended list = demo->ctl({"jobs", "ls", "--failed"});
  CHECK(has(list.out, "demo2  failed  exit 1"));
  CHECK(has(list.out, "demo3  failed  exit 1"));
  const std::string job = demo->ctl({"jobs", "ls", "--failed", "-o", "name"}).out.substr(0, 26);
  std::ofstream(flag) << "there";

  CHECK(demo->ctl({"jobs", "retry", job, "--unit", "demo1"}).status == 3);
  const Ended one = demo->ctl({"jobs", "retry", job, "--unit", "demo2"});
  CAPTURE(one.err);
  CHECK(one.status == 0);
  CHECK(text_of(log) == "x\nx\nx\n");
  const Ended both = demo->ctl({"jobs", "retry", job});
  CHECK(both.status == 0);
  CHECK(has(both.out, "demo2  exit 0"));
  CHECK(has(both.out, "demo3  exit 0"));

  const std::string good = demo->ctl({"jobs", "ls", "-o", "name"}).out.substr(0, 26);
  CHECK(has(demo->ctl({"jobs", "retry", good}).err, "Nothing to send again"));
  CHECK(demo->ctl({"jobs", "retry", "01JD3X5T8E6Q4M2B7R9KZ1VWYA"}).status == 3);

  const Ended secret = demo->ctl({"call",
                                  "demo1",
                                  "shellcommand/operatingsystem",
                                  "--data",
                                  R"({"argv":["false"],"env":{"T":"x"},"secret_env":["T"]})",
                                  "-o",
                                  "jsonl"});
  CHECK(secret.status == 1);
  const std::string with_secret =
      json::parse(secret.out.substr(0, secret.out.find('\n'))).at("job");
  const Ended refused = demo->ctl({"jobs", "retry", with_secret});
  CHECK(refused.status == 2);
  CHECK(has(refused.err, "secrets"));
}

TEST_CASE("stewardctl run --no-wait: says so where only the broker, or nobody, has the command") {
  const Scene scene;
  const auto other =
      scene.demo
          ? steward::tests::NatsServer::start({.jetstream_dir = scene.demo->folder() / "jetstream"})
          : nullptr;
  if (!other) {
    return;
  }
  const auto run = [&scene](const std::vector<std::string>& more) {
    std::vector<std::string> words{"run", "ship9", "--no-wait"};
    words.insert(words.end(), more.begin(), more.end());
    return scene.demo->ctl(words);
  };
  SUBCASE("both have it: nothing is warned of") {
    const Ended both = run({"--", "true"});
    CHECK(both.status == 0);
    CHECK(has(both.out, "sent to 1 unit as job "));
    CHECK_FALSE(has(both.err, "warning"));
  }
  SUBCASE("the station is silent") {
    const Ended stored = run({"--station", "nobody", "--", "true"});
    CHECK(stored.status == 0);
    CHECK(has(stored.err, "the broker keeps it, but the station does not answer"));
  }
  SUBCASE("a broker that keeps nothing, and no station") {
    const Ended neither = run({"--server", other->url(), "--", "true"});
    CHECK(neither.status == 4);
    CHECK(has(neither.err, "nobody on the broker hears or keeps it"));
    CHECK(has(neither.err, "nobody sends it to the others"));
  }
  SUBCASE("a stream that is full is told in words") {
    steward::bus::NatsOptions options;
    options.servers = {other->url()};
    options.name = "test";
    const auto bus = steward::bus::NatsBus::open(std::move(options));
    REQUIRE(bus);
    REQUIRE((*bus)->wait_until_up(std::chrono::seconds(10)));
    REQUIRE((*bus)->publish(
        {"$JS.API.STREAM.CREATE.COMMANDS",
         {},
         R"({"name":"COMMANDS","subjects":["*.command.shellcommand.*"],"max_bytes":4000,)"
         R"("discard":"new","retention":"limits","storage":"file","num_replicas":1})",
         {}}));
    CHECK(eventually([&] {
      return has(run({"--server", other->url(), "--", "true"}).err, "the broker keeps it");
    }));
    const Ended full =
        run({"--server", other->url(), "--env", "A=" + std::string(5'000, 'x'), "--", "true"});
    CHECK(full.status == 4);
    CHECK(has(full.err, "the broker's stream COMMANDS is full (maximum bytes exceeded)"));
  }
}

}  // namespace steward::tests::away_test
