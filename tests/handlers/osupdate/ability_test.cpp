#include "handlers/osupdate/ability.hpp"

#include "handlers/osupdate/apk.hpp"
#include "handlers/osupdate/apt.hpp"
#include "handlers/osupdate/choose.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace steward::handlers::osupdate::ability_test {
namespace {

Result<void> asked(const Driver& driver, const char* payload) {
  const auto decoded = wire::decode_update_request(payload);
  REQUIRE_MESSAGE(decoded, payload);
  return check_abilities(driver, decoded->request);
}

constexpr std::array<const char*, 8> kOdd{
    R"({"op":"rollback"})",
    R"({"op":"plan","scope":"security"})",
    R"({"op":"plan","scope":"packages","packages":["web=1"]})",
    R"({"op":"plan","scope":"packages","packages":["web"],"exclude":["db"]})",
    R"({"op":"apply","allow_new":false})",
    R"({"op":"apply","conffile":"replace"})",
    R"({"op":"apply","conffile":"fail"})",
    R"({"op":"download","rate_bps":1000})"};

TEST_CASE("osupdate: what a package system cannot do is refused, never left out") {
  const Apk apk("/nonexistent");
  const Apt apt({"", "/nonexistent", "dpkg"});
  for (const char* payload : kOdd) {
    INFO(payload);
    CHECK(asked(apt, payload));
    const auto refused = asked(apk, payload);
    REQUIRE(!refused);
    CHECK(refused.error().code == ErrorCode::unsupported);
    CHECK(refused.error().message.find("apk, which brings this unit its updates, cannot do ") == 0);
  }
  CHECK(asked(apk, R"({"op":"plan","scope":"security"})").error().message ==
        "apk, which brings this unit its updates, cannot do scope=security: its repositories do "
        "not say what an update is for");
  for (const char* payload : {R"({"op":"apply"})",
                              R"({"op":"apply","exclude":["db"],"mode":"full"})",
                              R"({"op":"plan","scope":"packages","packages":["web"]})",
                              R"({"op":"hold","packages":["web"]})",
                              R"({"op":"reboot"})",
                              R"({"op":"check","refresh":true})",
                              R"({"op":"status"})"}) {
    INFO(payload);
    CHECK(asked(apk, payload));
  }
}

TEST_CASE("osupdate: of several package systems the machine's own is meant") {
  CHECK(driver_of("NAME=\"Debian\"\nID=debian\n") == "apt");
  CHECK(driver_of("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n") == "apt");
  CHECK(driver_of("ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\n") == "dnf");
  CHECK(driver_of("ID=fedora\nVARIANT_ID=server\n") == "dnf");
  CHECK(driver_of("ID=alpine\n") == "apk");
  CHECK(driver_of("VERSION_ID=debian\n").empty());
  CHECK(driver_of("").empty());
}

}  // namespace
}  // namespace steward::handlers::osupdate::ability_test
