#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <utility>

namespace steward::tests {
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

identity::tests::Said our(const std::string& command_line) {
  return identity::tests::run(std::string(STEWARD_BIN_DIR) + "/" + command_line + " 2>&1");
}

std::unique_ptr<Fleet> Fleet::make() {
  std::unique_ptr<Fleet> fleet(new Fleet);
  const auto text = identity::tests::contents(fleet->made_ / "broker/nats-server.conf");
  return fleet->start_broker(text) ? std::move(fleet) : nullptr;
}

std::unique_ptr<Fleet> Fleet::make_demanding() {
  std::unique_ptr<Fleet> fleet(new Fleet);
  fleet->is_demanding_ = true;
  const auto certificate = fleet->path("broker.pem").string();
  const auto key = fleet->path("broker.key").string();
  REQUIRE(identity::tests::run("openssl req -x509 -nodes -newkey ec -pkeyopt "
                               "ec_paramgen_curve:prime256v1 -days 2 -subj /O=broker -addext "
                               "subjectAltName=IP:127.0.0.1 -keyout " +
                               key + " -out " + certificate)
              .exit_code == 0);
  auto text = identity::tests::contents(fleet->made_ / "broker/nats-server.conf");
  replace_all(text, "# tls { cert_file: \"...\"", "tls { cert_file: \"" + certificate + "\"");
  replace_all(text, "key_file: \"...\"", "key_file: \"" + key + "\"");
  REQUIRE(text.find("\"...\"") == std::string::npos);
  return fleet->start_broker(text) ? std::move(fleet) : nullptr;
}

bool Fleet::start_broker(std::string configuration) {
  replace_all(configuration, "/var/lib/nats", path("broker").string());
  replace_all(configuration, "listen: \"0.0.0.0:4222\"\n", "");
  std::ofstream(path("broker.conf")) << configuration;
  NatsServer::Options options;
  options.arguments = {"-c", path("broker.conf").string()};
  server_ = NatsServer::start(std::move(options));
  return server_ != nullptr;
}

std::unique_ptr<Fleet> Fleet::make_managed() {
  // Whether there is a nats-server is for the helper to say.
  if (!NatsServer::start()) {
    return nullptr;
  }
  std::unique_ptr<Fleet> fleet(new Fleet);
  fleet->station_ = std::make_unique<Process>(
      "steward", fleet->made_ / "station/steward.toml", fleet->path("station.log"));
  REQUIRE(eventually([&] { return !fleet->url().empty(); }));
  fleet->add_context();
  return fleet;
}

std::string Fleet::url() const {
  if (server_) {
    return is_demanding_ ? "tls" + server_->url().substr(4) : server_->url();
  }
  const auto log = identity::tests::contents(path("station.log"));
  const auto at = log.find("nats://");
  const auto end = log.find_first_not_of("0123456789", log.find(':', at + 7) + 1);
  return at == std::string::npos || end == std::string::npos ? "" : log.substr(at, end - at);
}

Fleet::Fleet() : made_(folder_ / "fleet") {
  const auto done = our("steward init --cluster fleet --operator anna --dir " + made_.string());
  REQUIRE_MESSAGE(done.exit_code == 0, done.text);
}

std::string Fleet::root() const {
  const auto text = identity::tests::contents(made_ / "root.pub");
  return text.substr(0, text.find('\n'));
}

void Fleet::let_in(const std::string& name, const std::string& broker) const {
  const auto place = path(name).string();
  for (const auto& step :
       {"steward-edge init --name " + name + " --cluster fleet --root " + root() + " --broker " +
            broker + " --dir " + place,
        "stewardctl ca sign " + place + "/" + name + ".req --dir " + made_.string() + " --yes",
        "steward-edge enroll " + place + "/" + name + ".bundle --dir " + place}) {
    const auto done = our(step);
    REQUIRE_MESSAGE(done.exit_code == 0, done.text);
  }
}

void Fleet::start_station() {
  const auto file = made_ / "station/steward.toml";
  const auto config = identity::tests::contents(file);
  std::ofstream(file) << "broker = \"" << url() << "\"\n"
                      << config
                      << (is_demanding_ ? "\n[tls]\nown = true\nca = \"" +
                                              path("broker.pem").string() + "\"\n"
                                        : "");
  station_ = std::make_unique<Process>("steward", file, path("station.log"));
  add_context();
}

void Fleet::restart_station() {
  station_->end();
  station_->start();
}

void Fleet::add_context() const {
  const auto added =
      ctl("context add fleet --use --server " + url() + " --creds " +
          (made_ / "people/anna.creds").string() + " --signing-key " +
          (made_ / "people/anna.key").string() + " --cluster fleet --operator anna" +
          (is_demanding_ ? " --ca " + path("broker.pem").string() + " --cert " +
                               (made_ / "people/anna.tls/chain.pem").string() + " --key " +
                               (made_ / "people/anna.tls/key.pem").string()
                         : ""));
  REQUIRE_MESSAGE(added.exit_code == 0, added.text);
}

identity::tests::Said Fleet::ctl(const std::string& arguments) const {
  return identity::tests::run("env -u STEWARD_CONTEXT -u NATS_URL -u NATS_CREDS XDG_CONFIG_HOME=" +
                              path("config").string() + " " + STEWARD_BIN_DIR + "/stewardctl " +
                              arguments);
}

}  // namespace steward::tests
