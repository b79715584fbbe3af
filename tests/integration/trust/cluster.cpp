#include "tests/integration/trust/cluster.hpp"

#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/message_signature.hpp"
#include "subjects/identity/signed_document.hpp"
#include "subjects/wire/hello.hpp"
#include "subjects/wire/query.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace steward::tests {

using identity::Access;
using identity::Existing;

wire::Timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

bool eventually(const std::function<bool()>& is_so) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

Process::Process(std::string program,
                 const std::filesystem::path& config,
                 std::filesystem::path output)
    : Process(std::move(program), {"run", "--config", config.string()}, std::move(output)) {}

Process::Process(std::string program,
                 std::vector<std::string> arguments,
                 std::filesystem::path output)
    : program_(std::string(STEWARD_BIN_DIR) + "/" + std::move(program)),
      arguments_(std::move(arguments)),
      output_(std::move(output)) {
  start();
}

Process::~Process() { end(); }

void Process::start() {
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int file = ::open(output_.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    std::vector<char*> words{const_cast<char*>(program_.c_str())};
    for (const auto& argument : arguments_) {
      words.push_back(const_cast<char*>(argument.c_str()));
    }
    words.push_back(nullptr);
    ::execv(program_.c_str(), words.data());
    ::_exit(127);
  }
}

void Process::end() {
  if (pid_ > 0) {
    tests::send_signal(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
}

bool Process::said(std::string_view text) const {
  return identity::tests::contents(output_).find(text) != std::string::npos;
}

std::unique_ptr<Cluster> Cluster::start() {
  auto server = NatsServer::start_with_jetstream();
  return server ? std::unique_ptr<Cluster>(new Cluster(std::move(server))) : nullptr;
}

Cluster::Cluster(std::unique_ptr<NatsServer> server) : server_(std::move(server)) {
  bring_policy(2, mallory.public_key().id());
  write_configuration();
  bus_ = *bus::NatsBus::open({.servers = {server_->url()}, .name = "test"});
  REQUIRE(bus_->wait_until_up(std::chrono::seconds(10)));
  subscriptions_.push_back(*bus_->subscribe(
      "ship1.event.ack.*", [this](bus::Message&& message) { hear(std::move(message)); }));
  subscriptions_.push_back(*bus_->subscribe(
      "ship1.event.hello.agent", [this](bus::Message&& message) { hear_hello(message); }));
  REQUIRE(bus_->flush(std::chrono::seconds(10)));
  station_ = std::make_unique<Process>("steward", path("steward.toml"), path("station.log"));
  unit_ = std::make_unique<Process>("steward-edge", path("edge.toml"), path("unit.log"));
}

void Cluster::write_configuration() {
  std::filesystem::create_directories(path("units"));
  REQUIRE(identity::write_key_file(path("station.key"), station_key, Existing::keep));
  REQUIRE(identity::write_key_file(path("root.key"), root, Existing::keep));
  REQUIRE(identity::write_key_file(path("anna.key"), anna, Existing::keep));
  REQUIRE(identity::write_key_file(path("bob.key"), bob, Existing::keep));
  REQUIRE(identity::write_key_file(path("unit.key"), unit_key, Existing::keep));
  std::ofstream(path("units") / "ship1.pub") << unit_key.public_key().text() << "\n";
  const auto trust = [this](const std::string& key) {
    return "[trust]\ncluster = \"demo\"\nroots = \"" + root.public_key().text() + "\"\nkey = \"" +
           path(key).string() + "\"\npolicy = \"" + path("policy").string() + "\"\n";
  };
  std::ofstream(path("steward.toml"))
      << "broker = \"" << server_->url() << "\"\nstate_dir = \"" << path("station").string()
      << "\"\n"
      << trust("station.key") << "units = \"" << path("units").string() << "\"\n";
  std::ofstream(path("edge.toml")) << "name = \"ship1\"\nbroker = \"" << server_->url()
                                   << "\"\nstate_dir = \"" << path("unit").string() << "\"\n"
                                   << "[hello]\ninterval_ms = 1000\n"
                                   << trust("unit.key");
}

std::string Cluster::policy_body(int version, const std::string& denied) const {
  const auto key = [](const identity::PrivateKey& one) { return one.public_key().text(); };
  return R"({"cluster": "demo", "version": )" + std::to_string(version) + R"(, "issued": ")" +
         wire::format_time(now()) + R"(", "expires": ")" +
         wire::format_time(now() + std::chrono::hours(1)) +
         R"(", "roles": ["admins", "readers", "automation"], "operators": [
  {"id": "anna", "key": ")" +
         key(anna) + R"(", "roles": ["admins"]},
  {"id": "mallory", "key": ")" +
         key(mallory) + R"(", "roles": ["admins"]},
  {"id": "bob", "key": ")" +
         key(bob) + R"(", "roles": ["readers"]}],
"stations": [{"name": "station", "key": ")" +
         key(station_key) + R"(", "roles": ["automation"]}],
"rules": [
  {"id": "admins", "role": "admins", "nodes": ["*"], "method": "*", "domain": "*"},
  {"id": "look", "role": "readers", "nodes": ["*"], "method": "hello", "domain": "agent"},
  {"id": "hello", "role": "automation", "nodes": ["*"], "method": "hello", "domain": "agent"},
  {"id": "outbox", "role": "automation", "nodes": ["*"], "method": "outbox", "domain": "events"}],
"deny": [)" +
         (denied.empty() ? "" : "\"" + denied + "\"") + "]}\n";
}

void Cluster::bring_policy(int version, const std::string& denied) {
  const auto document =
      identity::sign_document(identity::Purpose::policy, policy_body(version, denied), root);
  REQUIRE(document);
  REQUIRE(identity::write_file(path("policy"), *document, Access::everybody, Existing::replace));
}

bus::Message Cluster::signed_by(const identity::PrivateKey& key, const Letter& letter) const {
  auto envelope = wire::make_envelope(ids_(now()),
                                      *wire::Source::parse(letter.source),
                                      *wire::Subject::parse(letter.subject),
                                      now());
  if (letter.change) {
    letter.change(envelope);
  }
  REQUIRE(identity::sign_message(
      envelope, letter.payload, *identity::ClusterName::parse(letter.cluster), key));
  return {letter.subject, wire::encode_envelope(envelope), letter.payload, ""};
}

void Cluster::publish(const bus::Message& message) const { REQUIRE(bus_->publish(message)); }

bool Cluster::carried_out(const bus::Message& command) {
  const std::string id(*command.headers.find("ce-id"));
  int turn = 0;
  return eventually([&] {
    if (turn++ % 50 == 0) {
      publish(command);
    }
    return has_said(id, "done+") || has_said(id, "done");
  });
}

void Cluster::hear(bus::Message&& message) {
  const auto id = message.headers.find("ce-epoch");
  const std::string epoch(id.value_or(""));
  const auto ack = wire::decode_ack(message.payload);
  const std::lock_guard lock(mutex_);
  if (!ack) {
    return;
  }
  said_[ack->ref.str()].push_back(std::string(word(ack->state)) +
                                  (ack->code.empty() ? "" : " " + ack->code) +
                                  (epoch.empty() ? "" : "+"));
  if (!epoch.empty()) {
    epoch_ = epoch;
  }
}

void Cluster::hear_hello(const bus::Message& message) {
  const auto hello = wire::decode_hello(message.payload);
  const std::lock_guard lock(mutex_);
  if (hello) {
    depths_.push_back(hello->outbox_depth);
  }
}

std::int64_t Cluster::outbox_depth() {
  const auto count = [this] {
    const std::lock_guard lock(mutex_);
    return depths_.size();
  };
  const auto before = count();
  // Of two hellos the second was made after the asking.
  CHECK(eventually([&] {
    publish(signed_by(anna, {.subject = "ship1.command.hello.agent", .payload = "{}"}));
    return count() > before + 1;
  }));
  const std::lock_guard lock(mutex_);
  return depths_.back();
}

identity::tests::Said Cluster::ctl(const std::string& arguments) const {
  return identity::tests::run(
      "env -u STEWARD_CONTEXT -u NATS_URL XDG_CONFIG_HOME=" + path("config").string() + " " +
      STEWARD_BIN_DIR + "/stewardctl " + arguments);
}

identity::tests::Said Cluster::ctl_as(const std::string& person,
                                      const std::string& arguments) const {
  const auto added = ctl("context add " + person + " --use --server " + server_->url() +
                         " --cluster demo --operator " + person + " --signing-key " +
                         path(person + ".key").string());
  return added.exit_code == 0 ? ctl(arguments) : added;
}

std::string Cluster::epoch() const {
  const std::lock_guard lock(mutex_);
  return epoch_;
}

std::vector<std::string> Cluster::said(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = said_.find(id);
  return found == said_.end() ? std::vector<std::string>() : found->second;
}

bool Cluster::has_said(std::string_view id, std::string_view what) const {
  const auto words = said(id);
  return std::find(words.begin(), words.end(), what) != words.end();
}

std::string Cluster::ask(const std::string& what, const std::string& payload) const {
  struct Answer {
    std::mutex mutex;
    std::string row;
  };

  auto answer = std::make_shared<Answer>();
  const auto inbox = bus_->new_inbox();
  const auto subscription = bus_->subscribe(inbox, [answer](bus::Message&& message) {
    const auto chunk = wire::decode_query_chunk(message.payload);
    const std::lock_guard lock(answer->mutex);
    if (chunk && !chunk->rows.empty()) {
      answer->row = chunk->rows[0];
    } else if (chunk && chunk->error) {
      answer->row = chunk->error->text();
    }
  });
  REQUIRE(subscription);
  int turn = 0;
  const bool answered = eventually([&] {
    if (turn++ % 50 == 0) {
      auto question =
          signed_by(anna, {.subject = "station.command.query." + what, .payload = payload});
      question.reply = inbox;
      publish(question);
    }
    const std::lock_guard lock(answer->mutex);
    return !answer->row.empty();
  });
  const std::lock_guard lock(answer->mutex);
  return answered ? answer->row : "";
}

}  // namespace steward::tests
