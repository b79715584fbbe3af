#include "tools/stewardctl/settings.hpp"

#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/format.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace steward::ctl {

namespace {

constexpr std::string_view kDefaultUrl = "nats://127.0.0.1:4222";
constexpr std::string_view kDefaultStation = "station";

std::optional<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return std::nullopt;
  }
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

bool is_alive(std::int64_t pid) {
  return pid > 0 && (kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
}

// A demo without a runtime folder keeps its description among its own files, var/demo in the
// project around the current folder. Other people's files are not believed.
std::optional<std::filesystem::path> demo_here() {
  std::error_code error;
  for (auto folder = std::filesystem::current_path(error); folder != folder.root_path();
       folder = folder.parent_path()) {
    const auto file = folder / "var" / "demo" / "current.json";

    struct stat status {};

    if (stat(file.c_str(), &status) == 0) {
      return status.st_uid == geteuid() ? std::optional(file) : std::nullopt;
    }
  }
  return std::nullopt;
}

// Takes what is said there over what stands.
void overlay(std::string& value, const std::optional<std::string>& said) {
  if (said && !said->empty()) {
    value = *said;
  }
}

void overlay_environment(Connection& connection, const Environment& environment) {
  const std::array<std::pair<std::string*, const char*>, 8> variables{{
      {&connection.url, "NATS_URL"},
      {&connection.user, "NATS_USER"},
      {&connection.password, "NATS_PASSWORD"},
      {&connection.token, "NATS_TOKEN"},
      {&connection.credentials_file, "NATS_CREDS"},
      {&connection.certificate_file, "NATS_CERT"},
      {&connection.key_file, "NATS_KEY"},
      {&connection.ca_file, "NATS_CA"},
  }};
  for (const auto& [value, name] : variables) {
    overlay(*value, environment(name));
  }
}

}  // namespace

Result<Demo> decode_demo(std::string_view json) {
  STEWARD_TRY(const auto object, wire::parse_json(json));
  wire::Fields fields(object);
  Demo demo;
  demo.broker = fields.required_text("broker");
  demo.station = fields.text("station", std::string(kDefaultStation));
  demo.pid = fields.integer("pid", 0, 0, std::int64_t{1} << 31);
  demo.credentials_file = fields.text("credentials");
  demo.signing_key = fields.text("signing_key");
  demo.cluster = fields.text("cluster");
  demo.operator_id = fields.text("operator");
  STEWARD_TRY([[maybe_unused]] const auto ignored, fields.finish());
  return demo;
}

std::optional<Demo> find_demo(const Environment& environment) {
  std::vector<std::filesystem::path> files;
  const auto runtime = environment("XDG_RUNTIME_DIR");
  if (runtime && !runtime->empty()) {
    files.push_back(std::filesystem::path(*runtime) / "steward" / "current.json");
  }
  files.emplace_back("/run/steward/current.json");
  if (const auto here = demo_here(); here) {
    files.push_back(*here);
  }
  for (const auto& file : files) {
    const auto text = read_file(file);
    if (!text) {
      continue;
    }
    auto demo = decode_demo(*text);
    if (demo && is_alive(demo->pid)) {
      return *std::move(demo);
    }
  }
  return std::nullopt;
}

Result<Settings> resolve_settings(const Flags& flags,
                                  const Environment& environment,
                                  const ContextStore& contexts,
                                  const std::optional<Demo>& demo) {
  Settings settings;
  std::string name = contexts.selected();
  overlay(name, environment("STEWARD_CONTEXT"));
  overlay(name, flags.context);
  if (!name.empty()) {
    auto context = contexts.load(name);
    if (!context) {
      return failure(ErrorCode::bad_config, context.error().message);
    }
    settings.connection = context->connection;
    settings.origin = fmt::format("context '{}'", name);
  } else if (demo) {
    settings.connection.url = demo->broker;
    settings.connection.station = demo->station;
    settings.connection.credentials_file = demo->credentials_file;
    settings.connection.signing_key = demo->signing_key;
    settings.connection.cluster = demo->cluster;
    settings.connection.operator_id = demo->operator_id;
    settings.origin = "the running demo";
  }
  if (settings.connection.url.empty()) {
    settings.connection.url = kDefaultUrl;
    settings.origin += settings.origin.empty() ? "default" : " without url, default";
  }
  const std::string before = settings.connection.url;
  overlay_environment(settings.connection, environment);
  if (settings.connection.url != before) {
    settings.origin = "NATS_URL";
  }
  if (!flags.server.empty()) {
    settings.connection.url = flags.server;
    settings.origin = "--server";
  }
  settings.station = kDefaultStation;
  overlay(settings.station, settings.connection.station);
  overlay(settings.station, flags.station);
  STEWARD_TRY([[maybe_unused]] const auto node, wire::NodeName::parse(settings.station));
  const auto timeout = flags.timeout ? flags.timeout : settings.connection.timeout;
  settings.timeout_given = timeout.has_value();
  settings.timeout = timeout.value_or(settings.timeout);
  settings.confirm_over = settings.connection.confirm_over.value_or(settings.confirm_over);
  return settings;
}

}  // namespace steward::ctl
