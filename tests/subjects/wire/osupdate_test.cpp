#include "subjects/wire/osupdate.hpp"

#include "subjects/wire/reboot_lease.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

namespace steward::wire::osupdate_test {
namespace {

using namespace std::chrono_literals;

const std::string kHash(64, 'a');

UpdateRun full_run() {
  UpdateRun run;
  run.choice = {UpdateScope::packages,
                {"libc6:i386", "g++=4:12.2.0-3~x+1"},
                {"bash"},
                UpdateMode::full,
                false,
                240h};
  run.plan_hash = kHash;
  run.conffile = ConffilePolicy::replace;
  run.allow_remove = true;
  run.lock_wait = 5s;
  run.most_bytes = 1'000;
  run.rate = 7;
  run.window = {"0 2 * * 6", "Europe/Oslo", 90min};
  run.restart = {"nginx", "web@*"};
  run.reboot = {UpdateReboot::Policy::if_required, 3s, true};
  run.pre = {"drain", "--now"};
  run.post = {"undrain"};
  run.health = {{"systemctl", "is-system-running"}, 7s};
  return run;
}

UpdateOutcome full_outcome() {
  UpdateOutcome outcome;
  outcome.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  outcome.op = UpdateRun::Op::rollback;
  outcome.state = UpdatePhase::failed;
  outcome.code = "exec_failed";
  outcome.message = "it did not";
  outcome.started = Timestamp(1s);
  outcome.ended = Timestamp(2s);
  outcome.plan_hash = kHash;
  outcome.packages = {{"bash", "1", "2", "Debian:12/stable", true, 12}};
  outcome.removed = {"a1"};
  outcome.failed = {"b1"};
  outcome.conffiles = {{"/etc/x", false}, {"/etc/y", true}};
  outcome.repaired = outcome.needs_help = outcome.reboot_required = true;
  outcome.restarted = {"nginx.service"};
  outcome.stale = {"ssh.service"};
  outcome.rebooted = true;
  outcome.kernel_before = "6.1.0-1";
  outcome.kernel_after = "6.1.0-2";
  outcome.log = "E: no";
  return outcome;
}

TEST_CASE("osupdate: every request comes back") {
  UpdateRun rollback;
  rollback.op = UpdateRun::Op::rollback;
  rollback.run = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  UpdateRun download;
  download.op = UpdateRun::Op::download;
  download.rate = 9;
  UpdateRun reboot;
  reboot.op = UpdateRun::Op::reboot;
  reboot.reboot = {UpdateReboot::Policy::always, 1s};
  for (const UpdateRequest& request : {UpdateRequest(UpdateCheck{true}),
                                       UpdateRequest(UpdateCheck{}),
                                       UpdateRequest(UpdateList{}),
                                       UpdateRequest(UpdatePlanRequest{full_run().choice}),
                                       UpdateRequest(UpdateRun{}),
                                       UpdateRequest(full_run()),
                                       UpdateRequest(rollback),
                                       UpdateRequest(download),
                                       UpdateRequest(reboot),
                                       UpdateRequest(UpdateHold{true, {"bash"}}),
                                       UpdateRequest(UpdateHold{false, {"bash"}}),
                                       UpdateRequest(UpdateStatus{}),
                                       UpdateRequest(UpdateHistory{3}),
                                       UpdateRequest(UpdateGrant{rollback.run})}) {
    const auto text = encode(request);
    INFO(text);
    const auto decoded = decode_update_request(text);
    REQUIRE(decoded);
    CHECK(decoded->request == request);
    CHECK(decoded->ignored.empty());
  }
  CHECK(encode(UpdateRequest(UpdateRun{})) == R"({"op":"apply"})");
}

TEST_CASE("osupdate: the lease of a reboot comes back") {
  RebootLease lease{
      "ship1", "system", "01ARZ3NDEKTSV4RRFFQ69G5FAV", LeaseState::waiting, Timestamp(1s)};
  CHECK(decode_reboot_lease(encode(lease)) == lease);
  lease.state = LeaseState::refused;
  lease.expires = Timestamp(2s);
  lease.grant = "01ARZ3NDEKTSV4RRFFQ69G5FAW";
  lease.seen = lease.taken = true;
  lease.why = "denied";
  lease.epoch = "01ARZ3NDEKTSV4RRFFQ69G5FAX";
  lease.seq = 7;
  CHECK(decode_reboot_lease(encode(lease)) == lease);
  CHECK(!decode_reboot_lease(R"({"unit":"ship1"})"));
}

TEST_CASE("osupdate: what does not fit is refused with its field") {
  const auto refused = [](const std::string& payload, const std::string& field) {
    const auto decoded = decode_update_request(payload);
    INFO(payload);
    REQUIRE(!decoded);
    CHECK(decoded.error().message.find(field) != std::string::npos);
  };
  refused("{}", "op");
  refused(R"({"op":"explode"})", "op");
  refused(R"({"op":"plan","scope":"some"})", "scope");
  refused(R"({"op":"plan","scope":"packages"})", "packages");
  refused(R"({"op":"plan","packages":["bash"]})", "packages");
  refused(R"({"op":"plan","scope":"packages","packages":["-o"]})", "'-o'");
  refused(R"({"op":"plan","exclude":["a b"]})", "exclude");
  refused(R"({"op":"apply","plan_hash":"x"})", "plan_hash");
  refused(R"({"op":"apply","conffile":"ask"})", "conffile");
  refused(R"({"op":"apply","lock_wait_ms":86400001})", "lock_wait_ms");
  refused(R"({"op":"apply","must":["moon"]})", "moon");
  refused(R"({"op":"apply","window":{}})", "cron");
  refused(R"({"op":"apply","window":{"cron":"* * * * *","duration_ms":1}})", "duration_ms");
  refused(R"({"op":"apply","reboot":{"policy":"maybe"}})", "policy");
  refused(R"({"op":"rollback","run":"7"})", "run");
  refused(R"({"op":"apply","pre_argv":[]})", "pre_argv");
  refused(R"({"op":"reboot","post_argv":["true"],"must":["post_argv"]})", "post_argv");
  refused(R"({"op":"hold"})", "packages");
  refused(R"({"op":"hold","packages":["bash=1"]})", "'bash=1'");
  refused(R"({"op":"history","limit":51})", "limit");
  CHECK(decode_update_request(R"({"op":"apply","moon":{}})").value().ignored ==
        std::vector<std::string>{"moon"});
  refused(R"({"op":"grant"})", "run");
  refused(R"({"op":"grant","run":"7"})", "run");
  refused(R"({"op":"plan","min_age_ms":-1})", "min_age_ms");
  refused(R"({"op":"plan","min_age_ms":31536000001})", "min_age_ms");
  // A unit that knows no windows, or no leases, must not change anything at once; nor one that
  // knows no ages.
  CHECK(encode(UpdateRequest(full_run()))
            .find(R"("must":["window","pre_argv","post_argv","reboot.lease","min_age_ms"])") !=
        std::string::npos);
  CHECK(encode(UpdateRequest(UpdatePlanRequest{full_run().choice}))
            .find(R"("must":["min_age_ms"])") != std::string::npos);
}

// They become words of a command line.
TEST_CASE("osupdate: what is a package, and what an option in its place") {
  for (const char* good : {"bash",
                           "libstdc++6",
                           "g++",
                           "libc6:i386",
                           "0ad",
                           "a.b-c",
                           "NetworkManager",
                           "glibc.i686",
                           "python3-a_b"}) {
    INFO(good);
    CHECK(is_package_name(good));
  }
  for (const char* bad : {"",
                          "a",
                          "-y",
                          "+x1",
                          "_bash",
                          "bash-",
                          "bash:",
                          "bash/stable",
                          "b*",
                          "a b",
                          "bash;id",
                          "./x.deb",
                          "bash:i386:x",
                          "b\xc3\xa4"}) {
    INFO(bad);
    CHECK(!is_package_name(bad));
  }
  for (const char* good : {"bash=1:5.2~rc1-1+b2", "web=2:1.0^git1-3.fc40", "web=0.3_rc1-r2"}) {
    INFO(good);
    CHECK(is_package_choice(good));
  }
  for (const char* bad : {"bash=", "=1", "bash=-1", "bash=1 2", "bash=1=2", "bash=*"}) {
    INFO(bad);
    CHECK(!is_package_choice(bad));
  }
}

TEST_CASE("osupdate: answers and events come back") {
  UpdatePlan plan{kHash,
                  full_outcome().packages,
                  {"x1"},
                  {"y1"},
                  {{"z1", "held"}},
                  {"z1"},
                  5,
                  -6,
                  7,
                  {"a.service"},
                  {"b1"}};
  CHECK(decode_update_plan(encode(plan)).value() == plan);
  CHECK(decode_update_plan(encode(UpdatePlan())).value() == UpdatePlan());
  const UpdateSummary summary{3, 1, true, Timestamp(5s)};
  CHECK(decode_update_summary(encode(summary)).value() == summary);
  CHECK(decode_update_outcome(encode(full_outcome())).value() == full_outcome());
  UpdateEvent event{UpdateEvent::Type::end,
                    full_outcome().id,
                    UpdatePhase::failed,
                    99,
                    "bash",
                    "text",
                    full_outcome(),
                    summary};
  CHECK(decode_update_event(encode(event)).value() == event);
  event = {};
  event.type = UpdateEvent::Type::pending;
  event.summary = summary;
  CHECK(decode_update_event(encode(event)).value() == event);
  CHECK(!decode_update_event(R"({"type":"x"})"));
  CHECK(!decode_update_event(R"({"type":"phase","percent":101})"));
}

}  // namespace
}  // namespace steward::wire::osupdate_test
