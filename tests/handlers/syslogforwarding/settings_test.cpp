#include "handlers/syslogforwarding/settings.hpp"

#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace steward::handlers::syslogforwarding::settings_test {

TEST_CASE("log settings: what is wrong in the configuration is said with its place") {
  auto options = *runtime::Options::parse(
      "files = \"/a\"\nroutes = [\"x\"]\nfilter = \"colour=red\"\n"
      "first_line = \"(\"\nbatch_ms = 0\nfile = 1\n",
      "edge.toml");
  const auto settings = read_options(options);
  CHECK(settings.files == std::vector<std::string>{"/a"});
  CHECK(settings.has_sources());
  CHECK(options.problems().size() == 5);
  CHECK(!read_options(runtime::Options()).has_sources());
}

TEST_CASE("log settings: what a command has set is there after a restart") {
  const tests::TemporaryFolder folder;
  Settings settings;
  CHECK(load_settings(folder.path() / "made", settings)->running);
  settings.running = false;
  settings.filter = *Condition::parse("severity<=4");
  REQUIRE(save_settings(folder.path() / "made", settings));
  const auto loaded = load_settings(folder.path() / "made", Settings());
  REQUIRE(loaded);
  CHECK(!loaded->running);
  CHECK(loaded->filter.text() == "severity<=4");
  std::ofstream(folder.path() / "made/settings.json") << "{";
  CHECK(!load_settings(folder.path() / "made", Settings()));
}

}  // namespace steward::handlers::syslogforwarding::settings_test
