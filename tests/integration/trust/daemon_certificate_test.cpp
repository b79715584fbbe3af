// A daemon that an agent keeps, with a certificate of its own, and no broker at all.
#include "tests/integration/trust/cluster.hpp"
#include "tests/integration/trust/fleet.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace steward::tests::daemon_certificate_test {
namespace {

namespace fs = std::filesystem;
using identity::tests::contents;

// What the daemon says: the folder that it was told of, its process, and "new" at each signal.
std::string spec(const fs::path& said) {
  return "argv = [\"sh\", \"-c\", \"trap 'echo new >> " + said.string() +
         "' HUP; ls $STEWARD_CERTIFICATE | tr '\\\\n' ' ' >> " + said.string() + "; echo $$ >> " +
         said.string() + "; while :; do sleep 0.05; done\"]\ncert = {signal = \"HUP\"}\n";
}

}  // namespace

TEST_CASE("trust: a daemon starts with a certificate of its own, and is told of a new one") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  const auto place = fleet->path("ship1");
  const auto said = fleet->path("said");
  fleet->let_in("ship1");
  const auto specs = fleet->path("daemons.d");
  fs::create_directories(specs);
  std::ofstream(specs / "web.toml") << spec(said);
  std::ofstream(place / "edge.toml", std::ios::app)
      << "\n[daemon]\nfiles = \"" << specs.string() << "\"\nidentity = \"" << place.string()
      << "\"\n";
  Process agent("steward-edge",
                {"run", "--config", (place / "edge.toml").string()},
                fleet->path("agent.log"));
  REQUIRE_MESSAGE(eventually([&] { return contents(said).ends_with("\n"); }),
                  contents(fleet->path("agent.log")));
  const auto first = contents(said);
  CHECK(first.find("chain.pem key.pem root.pem ") == 0);
  const auto pid = std::stoi(first.substr(first.rfind(' ') + 1));

  fs::path certificate;
  for (const auto& entry : fs::recursive_directory_iterator(place)) {
    certificate = entry.path().filename() == "chain.pem" ? entry.path() : certificate;
  }

  struct stat key {};

  REQUIRE(::stat((certificate.parent_path() / "key.pem").c_str(), &key) == 0);
  CHECK((key.st_mode & 0777) == 0600);
  const auto verified =
      our("stewardctl trust verify " + certificate.string() + " --root " +
          (fleet->made() / "root.crt").string() + " --cluster fleet --is web.ship1.fleet.steward");
  CHECK_MESSAGE(verified.exit_code == 0, verified.text);

  // Another agent finds the certificate gone: the daemon that runs on is told of the new one.
  agent.end();
  fs::remove(certificate);
  agent.start();
  CHECK(eventually([&] { return contents(said) == first + "new\n"; }));
  CHECK(fs::exists(certificate));
  CHECK(tests::is_there(pid));

  fs::remove(specs / "web.toml");
  CHECK(eventually([&] { return !tests::is_there(pid); }));
  CHECK(eventually([&] { return !fs::exists(certificate); }));
}

}  // namespace steward::tests::daemon_certificate_test
