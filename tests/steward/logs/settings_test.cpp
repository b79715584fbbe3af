#include "steward/logs/settings.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::station::settings_test {
namespace {

// What is wrong with a table [logs.x]; empty where it is good.
std::string wrong(const std::string& keys) {
  auto options = *runtime::Options::parse("[logs.x]\n" + keys, "s.toml");
  static_cast<void>(read_hand_ons(options.section("logs")));
  std::string all;
  for (const auto& problem : options.problems()) {
    all += problem + "\n";
  }
  return all;
}

HandOnSettings good(const std::string& keys) {
  auto options = *runtime::Options::parse("[logs.x]\n" + keys, "s.toml");
  const auto all = read_hand_ons(options.section("logs"));
  REQUIRE(options.problems().empty());
  REQUIRE(all.size() == 1);
  return all.front();
}

}  // namespace

TEST_CASE("hand-on settings: a syslog server by TCP or TLS, with what is meant of the logs") {
  const auto plain = good("syslog = \"[::1]:514\"\nunits = \"ship*\"\nseverity = \"err\"");
  CHECK(plain.server->host == "::1");
  CHECK(plain.server->port == "514");
  CHECK_FALSE(plain.server->tls);
  CHECK(plain.severity == 3);
  CHECK(plain.units.matches("ship9"));
  CHECK_FALSE(plain.units.matches("rig1"));
  CHECK_FALSE(plain.from_end);
  const auto secret = good("syslog = \"s.example:6514\"\ntls = true\nstart = \"end\"");
  CHECK(secret.server->tls->name == "s.example");
  CHECK(secret.from_end);
}

TEST_CASE("hand-on settings: a folder for files, and its bounds") {
  const auto files = good("folder = \"/var/log/fleet\"\nfile_bytes = 5000\nform = \"rfc5424\"");
  CHECK(files.folder->bytes == 5'000);
  CHECK(files.folder->keep == 10);
  CHECK(files.folder->form == LineForm::rfc5424);
}

TEST_CASE("hand-on settings: what cannot be is said") {
  CHECK(wrong("").find("either syslog") != std::string::npos);
  CHECK(wrong("syslog = \"a:1\"\nfolder = \"/b\"").find("either syslog") != std::string::npos);
  for (const auto* address : {"a", "a:", ":1", "::1:514"}) {
    CHECK(wrong("syslog = \"" + std::string(address) + "\"").find("an address") !=
          std::string::npos);
  }
  CHECK(wrong("folder = \"var/log\"").find("absolute") != std::string::npos);
  CHECK(wrong("syslog = \"a:1\"\ntls_roots = \"/r\"").find("only with tls") != std::string::npos);
  CHECK(wrong("syslog = \"a:1\"\ntls = true\ntls_key = \"/k\"").find("go together") !=
        std::string::npos);
  CHECK_FALSE(wrong("folder = \"/b\"\ndomains = [\"a b\"]").empty());
  CHECK_FALSE(wrong("folder = \"/b\"\nkeep = -1").empty());
  CHECK_FALSE(wrong("folder = \"/b\"\nsyslogg = 1").empty());
}

}  // namespace steward::station::settings_test
