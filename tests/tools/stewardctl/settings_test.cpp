#include "tools/stewardctl/settings.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>

namespace steward::tests::settings_test {

using steward::ErrorCode;
using steward::ctl::Connection;
using steward::ctl::Context;
using steward::ctl::ContextStore;
using steward::ctl::decode_context;
using steward::ctl::Demo;
using steward::ctl::encode_context;
using steward::ctl::Environment;
using steward::ctl::find_demo;
using steward::ctl::Flags;
using steward::ctl::resolve_settings;

namespace {

struct Folder {
  std::filesystem::path path;

  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "stewardctl-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }

  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

const Demo kDemo{"nats://127.0.0.1:43217", "demo", 1};

Context context_with(const std::string& url) {
  Context context;
  context.connection.url = url;
  context.connection.user = "anna";
  context.connection.station = "bridge";
  return context;
}

}  // namespace

TEST_CASE("settings: flag, environment, context, demo, default, in that order") {
  const Folder folder;
  const ContextStore contexts(folder.path);
  const auto none = environment_of({});
  CHECK(resolve_settings({}, none, contexts, {})->connection.url == "nats://127.0.0.1:4222");
  CHECK(resolve_settings({}, none, contexts, {})->station == "station");
  CHECK(resolve_settings({}, none, contexts, kDemo)->connection.url == kDemo.broker);
  CHECK(resolve_settings({}, none, contexts, kDemo)->station == "demo");

  REQUIRE(contexts.save("home", context_with("nats://home:4222")));
  REQUIRE(contexts.select("home"));
  const auto selected = resolve_settings({}, none, contexts, kDemo);
  REQUIRE(selected);
  CHECK(selected->connection.url == "nats://home:4222");
  CHECK(selected->connection.user == "anna");
  CHECK(selected->station == "bridge");

  REQUIRE(contexts.save("sea", context_with("nats://sea:4222")));
  const auto by_name = environment_of({{"STEWARD_CONTEXT", "sea"}});
  CHECK(resolve_settings({}, by_name, contexts, kDemo)->connection.url == "nats://sea:4222");
  CHECK(resolve_settings({"home", "", "", {}}, by_name, contexts, kDemo)->connection.url ==
        "nats://home:4222");

  const auto url = environment_of(
      {{"STEWARD_CONTEXT", "sea"}, {"NATS_URL", "nats://env:4222"}, {"NATS_USER", "bob"}});
  const auto from_environment = resolve_settings({}, url, contexts, kDemo);
  CHECK(from_environment->connection.url == "nats://env:4222");
  CHECK(from_environment->connection.user == "bob");
  const auto from_flag =
      resolve_settings({"", "nats://flag:4222", "other", {}}, url, contexts, kDemo);
  CHECK(from_flag->connection.url == "nats://flag:4222");
  CHECK(from_flag->origin == "--server");
  CHECK(from_flag->station == "other");
}

TEST_CASE("settings: the timeout of flag or context stands, else a verb's own may") {
  const Folder folder;
  const ContextStore contexts(folder.path);
  const auto usual = resolve_settings({}, environment_of({}), contexts, {});
  CHECK(usual->timeout == std::chrono::seconds(10));
  CHECK(!usual->timeout_given);
  Flags flags;
  flags.timeout = std::chrono::milliseconds(500);
  const auto given = resolve_settings(flags, environment_of({}), contexts, {});
  CHECK(given->timeout == std::chrono::milliseconds(500));
  CHECK(given->timeout_given);
}

TEST_CASE("settings: an unknown context is a configuration error with the nearest name") {
  const Folder folder;
  const ContextStore contexts(folder.path);
  REQUIRE(contexts.save("home", context_with("nats://home:4222")));
  const auto settings = resolve_settings({"hme", "", "", {}}, environment_of({}), contexts, {});
  REQUIRE(!settings);
  CHECK(settings.error().code == ErrorCode::bad_config);
  CHECK(settings.error().message.find("Did you mean 'home'?") != std::string::npos);
}

TEST_CASE("settings: a station that is no name is refused") {
  const Folder folder;
  const auto settings =
      resolve_settings({"", "", "*", {}}, environment_of({}), ContextStore(folder.path), {});
  REQUIRE(!settings);
  CHECK(settings.error().code == ErrorCode::bad_subject);
}

TEST_CASE("context file: what is written is read again, for its owner only") {
  const Folder folder;
  const ContextStore contexts(folder.path / "deep" / "er");
  Context context = context_with("nats://home:4222");
  context.description = "at home";
  context.connection.token = "secret";
  context.connection.timeout = std::chrono::milliseconds(1500);
  context.connection.confirm_over = 5;
  REQUIRE(contexts.save("home", context));
  const auto loaded = contexts.load("home");
  REQUIRE(loaded);
  CHECK(*loaded == context);

  struct stat status {};

  REQUIRE(stat(contexts.file("home").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("context file: the nats tool's keys are fine, an unknown one is named with its place") {
  const auto nats = decode_context(
      R"({"description":"x","url":"nats://a:4222","jetstream_domain":"","nkey":"","color_scheme":"red"})",
      "home.json");
  REQUIRE(nats);
  CHECK(nats->connection.url == "nats://a:4222");
  const auto unknown =
      decode_context(R"({"url":"nats://a","steward":{"staton":"x"}})", "home.json");
  REQUIRE(!unknown);
  CHECK(unknown.error().message == "home.json: unknown key 'steward.staton'");
  const auto wrong = decode_context(R"({"url":4222})", "home.json");
  REQUIRE(!wrong);
  CHECK(wrong.error().message.find("home.json: ") == 0);
  CHECK(wrong.error().message.find("url") != std::string::npos);
  CHECK(!decode_context("{", "home.json"));
  CHECK(!decode_context(R"({"steward":{"timeout":"soon"}})", "home.json"));
}

TEST_CASE("contexts: removing the one in use leaves none in use; bad names touch no file") {
  const Folder folder;
  const ContextStore contexts(folder.path);
  REQUIRE(contexts.save("home", context_with("nats://home:4222")));
  REQUIRE(contexts.select("home"));
  CHECK(contexts.names() == std::vector<std::string>{"home"});
  REQUIRE(contexts.remove("home"));
  CHECK(contexts.selected().empty());
  CHECK(contexts.names().empty());
  CHECK(!contexts.save("../evil", Context{}));
  CHECK(!contexts.save("", Context{}));
  CHECK(!contexts.load("../evil"));
  CHECK(!contexts.remove("home"));
}

TEST_CASE("demo: found where it runs, not where its process is gone") {
  const Folder folder;
  std::filesystem::create_directories(folder.path / "steward");
  const auto environment = environment_of({{"XDG_RUNTIME_DIR", folder.path.string()}});
  const auto write = [&folder](const std::string& pid) {
    std::ofstream(folder.path / "steward" / "current.json")
        << R"({"broker":"nats://127.0.0.1:4999","station":"station","units":["ship1"],"pid":)" +
               pid + "}";
  };
  write(std::to_string(getpid()));
  const auto demo = find_demo(environment);
  REQUIRE(demo);
  CHECK(demo->broker == "nats://127.0.0.1:4999");
  write("2147483000");  // beyond any pid_max
  const auto stale = find_demo(environment);
  CHECK((!stale || stale->broker != "nats://127.0.0.1:4999"));
}

}  // namespace steward::tests::settings_test
