#include "steward/broker.hpp"
#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace steward::station::broker_config_test {
namespace {

TEST_CASE("broker: its configuration stays on this machine and below the free space") {
  const auto text = nats_server_config({"steward-station", "/tmp/a \"b\"", 4222, 650'000});
  CHECK(text.find("host: 127.0.0.1\n") != std::string::npos);
  CHECK(text.find("port: 4222\n") != std::string::npos);
  CHECK(text.find("max_file_store: 650000\n") != std::string::npos);
  CHECK(text.find(R"(store_dir: "/tmp/a \"b\"/store")") != std::string::npos);
  CHECK(text.find("http") == std::string::npos);
  CHECK(nats_server_config({"s", "/tmp", {}, 0}).find("port: -1\n") != std::string::npos);
  CHECK(nats_server_config({"s", "/tmp", {}, 0, "operator: x\n"}).ends_with("}\noperator: x\n"));
}

TEST_CASE("broker: what its store takes already counts as room for it") {
  CHECK(store_limit(1'000'000, 0) == 650'000);
  CHECK(store_limit(400'000, 600'000) == 650'000);
}

TEST_CASE("broker: a port file is read once it is whole") {
  CHECK(parse_ports_file(R"({"nats":["nats://127.0.0.1:43217"],"monitoring":null})") == 43217);
  CHECK_FALSE(parse_ports_file(""));
  CHECK_FALSE(parse_ports_file(R"({"nats":["nats://127.0.)"));
  CHECK_FALSE(parse_ports_file(R"({"nats":[]})"));
  CHECK_FALSE(parse_ports_file(R"({"nats":["x:99999"]})"));
}

TEST_CASE("broker: without a nats-server the message names the package and the way around") {
  const test::Folder folder;
  std::ofstream(folder.path() / "nats-server") << "not a program";
  const auto found = find_nats_server({folder.path()});
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ErrorCode::not_found);
  CHECK(found.error().message.find("apt install nats-server") != std::string::npos);
  CHECK(found.error().message.find("--broker") != std::string::npos);
  std::filesystem::permissions(folder.path() / "nats-server", std::filesystem::perms::owner_all);
  CHECK(find_nats_server({folder.path()}) == folder.path() / "nats-server");
}

TEST_CASE("broker: it is looked for in PATH and where Debian puts it") {
  const auto folders = nats_server_folders("/a::/b");
  CHECK(folders.at(0) == "/a");
  CHECK(folders.at(1) == "/b");
  CHECK(folders.at(2) == "/usr/sbin");
}

}  // namespace
}  // namespace steward::station::broker_config_test
