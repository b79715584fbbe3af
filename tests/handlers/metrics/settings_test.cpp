#include "handlers/metrics/settings.hpp"

#include "tests/handlers/metrics/room.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

namespace steward::handlers::metrics::settings_test {
TEST_CASE("metrics settings: what was set is kept, over what the configuration says") {
  const Folder folder;
  const auto state = folder.path / "metrics" / "system";
  Settings below{.interval = std::chrono::milliseconds(5'000)};
  CHECK(*load_settings(state, below) == below);
  const auto request = wire::decode_metrics_request(
      R"({"op":"set","interval_ms":700,"disabled":["edac"],"filters":{"disks":["sd?"]}})");
  REQUIRE(request);
  const auto changed = changed_by(below, *request);
  REQUIRE(changed);
  CHECK(changed->filters.disks == std::vector<std::string>{"sd?"});
  CHECK(changed->filters.fstypes == Filters{}.fstypes);
  REQUIRE(save_settings(state, *changed));
  REQUIRE(save_settings(state, *changed));
  CHECK(*load_settings(state, below) == *changed);
}

TEST_CASE("metrics settings: a broken file is told, and nothing is taken from it") {
  const Folder folder;
  std::ofstream(folder.path / "settings.json") << R"({"op":"set","interval_ms":7)";
  CHECK(load_settings(folder.path, {}).error().code == ErrorCode::bad_payload);
}

TEST_CASE("metrics settings: a collector that there is not is refused") {
  const auto request = wire::decode_metrics_request(R"({"op":"set","disabled":["nonesuch"]})");
  CHECK(changed_by({}, *request).error().code == ErrorCode::bad_payload);
  const auto options = runtime::Options::parse("disabled = ['nonesuch']", "t.toml");
  read_options(*options);
  REQUIRE(options->problems().size() == 1);
  CHECK(options->problems()[0].find("nonesuch") != std::string::npos);
}

TEST_CASE("metrics settings: options") {
  const auto options = runtime::Options::parse(
      "interval_ms = 2000\ndisabled = ['edac']\nexclude_interfaces = ['veth*']\n", "t.toml");
  const auto settings = read_options(*options);
  CHECK(settings.interval == std::chrono::milliseconds(2'000));
  CHECK(settings.disabled == std::vector<std::string>{"edac"});
  CHECK(settings.filters.interfaces == std::vector<std::string>{"veth*"});
  CHECK(settings.filters.disks == Filters{}.disks);
  CHECK(options->problems().empty());
}

}  // namespace steward::handlers::metrics::settings_test
