#include "tests/support/demo.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace steward::tests::detach_test {

using steward::tests::Demo;
using steward::tests::Ended;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string file_text(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE(
    "stewardctl run --detach: a command outlives its agent's death, and nothing of it is lost") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  demo->start_unit("extra");
  const auto effects = demo->folder() / "effects";
  const auto gate = demo->folder() / "gate";
  const std::string script = "echo begun >> " + effects.string() + "; echo first; while ! [ -e " +
                             gate.string() + " ]; do sleep 0.05; done; echo last; exit 4";
  const Ended started = demo->ctl({"run", "extra", "--detach", "--shell", script});
  CHECK(started.status == 0);
  CHECK(has(started.err, "running"));
  const auto at = started.err.find("jobs logs -f ");
  REQUIRE(at != std::string::npos);
  const std::string job = started.err.substr(at + 13, 26);

  Ended logs;
  CHECK(steward::tests::eventually([&] {
    logs = demo->ctl({"jobs", "logs", job});
    return logs.out == "first\n";
  }));
  CHECK(logs.status == 0);

  demo->kill_unit("extra");
  demo->start_unit("extra");
  CHECK(demo->ctl({"jobs", "logs", job}).out == "first\n");

  const Ended followed =
      demo->ctl_while({"jobs", "logs", "-f", job}, [&](pid_t) { std::ofstream(gate) << "open"; });
  CHECK(followed.out == "first\nlast\n");
  CHECK(followed.status == 1);
  CHECK(has(followed.err, "exit 4"));
  CHECK(file_text(effects) == "begun\n");
}

TEST_CASE("stewardctl run --detach: what cannot start fails at once, a wrong id is named") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  const Ended ended = demo->ctl({"run", "demo1", "--detach", "--", "/no/such/program"});
  CHECK(ended.status == 1);
  CHECK(has(ended.err, "execute /no/such/program: No such file or directory"));
  CHECK(demo->ctl({"jobs", "logs", "01JD3X5T8E6Q4M2B7R9KZ1VWYA"}).status == 3);
}

}  // namespace steward::tests::detach_test
