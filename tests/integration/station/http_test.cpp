#include "steward/broker.hpp"
#include "tests/integration/station/program.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <httplib.h>

#include <regex>
#include <set>

namespace steward::tests::http_test {
namespace {

using std::chrono::seconds;

bool is_program(const char* path) { return ::access(path, X_OK) == 0; }

bool has(const char* program) {
  if (is_program(program)) {
    return true;
  }
  if (std::getenv("CI") != nullptr) {
    FAIL(program, " is missing");
  }
  MESSAGE("SKIPPED: ", program, " is missing");
  return false;
}

// A demo of two units with its pages, and somebody who reads them.
class Pages {
 public:
  explicit Pages(const std::vector<std::string>& more = {})
      : demo_(folder_.path(), arguments(folder_.path() / "demo", more)) {
    const auto current = folder_.path() / "steward/current.json";
    REQUIRE(eventually([&] { return demo_.output().find("Add a unit") != std::string::npos; },
                       seconds(60)));
    const auto told = nlohmann::json::parse(text_of(current));
    url_ = told["http"];
    broker_ = told["broker"];
  }

  // The page's body; its status is in `status`. Asked again until it is there, for a minute.
  std::string get(const std::string& path, int status = 200) const {
    std::string body;
    const bool found = eventually(
        [&] {
          httplib::Client client(url_);
          client.set_read_timeout(10, 0);
          const auto answer = client.Get(path);
          body = answer ? answer->body : "no answer";
          return answer && answer->status == status;
        },
        seconds(60));
    CHECK_MESSAGE(found, path, ": ", body);
    return body;
  }

  // Waits until a page has that text.
  bool shows(const std::string& path, const std::string& text, seconds limit = seconds(60)) const {
    return eventually([&] { return get(path).find(text) != std::string::npos; },
                      limit,
                      std::chrono::milliseconds(200));
  }

  const std::string& url() const { return url_; }

  const std::string& broker() const { return broker_; }

  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  static std::vector<std::string> arguments(const std::filesystem::path& dir,
                                            const std::vector<std::string>& more) {
    std::vector<std::string> words{
        "demo", "--units", "2", "--interval", "500", "--http", "127.0.0.1:0", "--dir", dir};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  const TemporaryFolder folder_;
  Program demo_;
  std::string url_;
  std::string broker_;
};

class Prometheus {
 public:
  Prometheus(const std::filesystem::path& folder, const std::string& station)
      : port_(free_port()), folder_(folder / "prometheus") {
    std::filesystem::create_directory(folder_);
    std::ofstream(folder_ / "prometheus.yml")
        << "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
        << "  - job_name: units\n    http_sd_configs:\n      - url: " << station
        << "/api/v1/sd\n        refresh_interval: 1s\n"
        << "  - job_name: fleet\n    static_configs:\n      - targets: ['"
        << station.substr(station.find("//") + 2) << "']\n";
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int log = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(log, STDOUT_FILENO);
      ::dup2(log, STDERR_FILENO);
      const auto file = "--config.file=" + (folder_ / "prometheus.yml").string();
      const auto data = "--storage.tsdb.path=" + (folder_ / "data").string();
      const auto address = "--web.listen-address=127.0.0.1:" + std::to_string(port_);
      ::execl("/usr/bin/prometheus",
              "prometheus",
              file.c_str(),
              data.c_str(),
              address.c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
  }

  ~Prometheus() {
    tests::send_signal(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  Prometheus(const Prometheus&) = delete;
  Prometheus& operator=(const Prometheus&) = delete;

  // The numbers that it knows for an expression, by unit.
  std::map<std::string, std::string> ask(const std::string& expression) const {
    httplib::Client client("127.0.0.1", port_);
    const auto answer = client.Post("/api/v1/query", httplib::Params{{"query", expression}});
    std::map<std::string, std::string> found;
    if (!answer || answer->status != 200) {
      return found;
    }
    const auto told = nlohmann::json::parse(answer->body);
    for (const auto& row : told["data"]["result"]) {
      found.emplace(row["metric"].value("unit", ""), row["value"][1]);
    }
    return found;
  }

  std::string log() const { return text_of(folder_ / "log"); }

 private:
  int port_;
  std::filesystem::path folder_;
  pid_t pid_ = -1;
};

TEST_CASE("http: the fleet, each unit and the station's health are pages") {
  if (!has("/usr/sbin/nats-server")) {
    return;
  }
  const Pages pages;
  CHECK(pages.shows("/metrics", "node_load1{unit=\"demo2\"} "));
  CHECK(pages.shows("/metrics", "node_load1{unit=\"demo1\"} "));
  CHECK(pages.shows("/metrics", "steward_unit_up{unit=\"demo1\"} 1\n"));
  CHECK(pages.shows("/metrics/demo1", "node_load1{unit=\"demo1\"} "));
  CHECK(pages.get("/metrics/demo1").find("demo2") == std::string::npos);
  CHECK(pages.get("/metrics/demo9", 404).find("demo9") != std::string::npos);
  CHECK(pages.get("/nothing", 404).find("/healthz") != std::string::npos);
  CHECK(nlohmann::json::parse(pages.get("/healthz"))["status"] == "ok");
  const auto targets = nlohmann::json::parse(pages.get("/api/v1/sd"));
  REQUIRE(targets.size() == 2);
  CHECK(targets[1]["labels"]["__metrics_path__"] == "/metrics/demo2");
}

TEST_CASE("http: a station that came later than its units asks for what they said before") {
  if (!has("/usr/sbin/nats-server")) {
    return;
  }
  const Pages pages({"--unsigned"});
  REQUIRE(pages.shows("/metrics", "node_load1{unit=\"demo1\"} "));
  const auto http = "127.0.0.1:" + std::to_string(free_port());
  const TemporaryFolder folder;
  const Program later(folder.path(),
                      {"run",
                       "--name",
                       "later",
                       "--broker",
                       pages.broker(),
                       "--state-dir",
                       (folder.path() / "state").string(),
                       "--http",
                       http});
  httplib::Client client("http://" + http);
  // By themselves they would say it in five minutes.
  CHECK(eventually(
      [&] {
        const auto answer = client.Get("/metrics");
        return answer && answer->body.find("node_load1{unit=\"demo1\"} ") != std::string::npos &&
               answer->body.find("node_load1{unit=\"demo2\"} ") != std::string::npos;
      },
      seconds(90),
      std::chrono::milliseconds(200)));
}

TEST_CASE("http: a station without a broker says so, and does not call itself well") {
  const TemporaryFolder folder;
  const int port = free_port();
  const auto http = "127.0.0.1:" + std::to_string(port);
  Program program(folder.path(),
                  {"run",
                   "--broker",
                   "nats://127.0.0.1:" + std::to_string(free_port()),
                   "--state-dir",
                   (folder.path() / "state").string(),
                   "--http",
                   http});
  httplib::Client client("http://" + http);
  CHECK(eventually([&] {
    const auto answer = client.Get("/healthz");
    return answer && answer->status == 503 &&
           answer->body.find("no link to the broker") != std::string::npos;
  }));
  const TemporaryFolder other;
  Program second(other.path(),
                 {"run",
                  "--broker",
                  "nats://127.0.0.1:4222",
                  "--state-dir",
                  (other.path() / "state").string(),
                  "--http",
                  http});
  const int code = second.wait();
  INFO(second.output());
  CHECK(code == 2);
  CHECK(second.output().find("cannot listen at " + http) != std::string::npos);
}

TEST_CASE("http: the alert rules and the dashboard name nothing that the pages do not have") {
  if (!has("/usr/bin/promtool") || !has("/usr/sbin/nats-server")) {
    return;
  }
  const std::filesystem::path files = std::string(STEWARD_SOURCE_DIR) + "/deploy/prometheus";
  const auto check = "cd " + files.string() +
                     " && promtool check rules alerts.yml >/dev/null && promtool check config "
                     "prometheus.yml >/dev/null";
  CHECK(std::system(check.c_str()) == 0);
  const Pages pages;
  REQUIRE(pages.shows("/metrics", "node_load1{unit=\"demo1\"} "));
  const auto page = pages.get("/metrics");
  const std::regex name("(node|steward)_[A-Za-z0-9_]+");
  for (const auto* file : {"alerts.yml", "grafana-fleet.json"}) {
    const auto text = text_of(files / file);
    std::set<std::string> names;
    for (auto at = std::sregex_iterator(text.begin(), text.end(), name);
         at != std::sregex_iterator();
         ++at) {
      names.insert(at->str());
    }
    CHECK(names.size() > 5);
    for (const auto& found : names) {
      const bool needs_pressure = found.starts_with("node_pressure_");
      if (needs_pressure && !std::filesystem::exists("/proc/pressure/io")) {
        continue;
      }
      CHECK_MESSAGE(page.find("# TYPE " + found + " ") != std::string::npos, file, ": ", found);
    }
  }
}

TEST_CASE("http: a real Prometheus finds the units and scrapes them all") {
  if (!has("/usr/bin/prometheus") || !has("/usr/sbin/nats-server")) {
    return;
  }
  const Pages pages;
  const Prometheus prometheus(pages.folder(), pages.url());
  const auto knows_both = [&](const std::string& expression) {
    return eventually([&] { return prometheus.ask(expression).size() == 2; },
                      seconds(60),
                      std::chrono::milliseconds(200));
  };
  CHECK_MESSAGE(knows_both("steward_unit_up{job=\"fleet\"} == 1"), prometheus.log());
  CHECK(knows_both("node_memory_MemTotal_bytes{job=\"fleet\"} > 0"));
  CHECK(knows_both("node_memory_MemTotal_bytes{job=\"units\"} > 0"));
  CHECK(knows_both("up{job=\"units\"} == 1"));
}

}  // namespace
}  // namespace steward::tests::http_test
