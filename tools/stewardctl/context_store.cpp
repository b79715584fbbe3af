#include "subjects/wire/fields.hpp"
#include "subjects/wire/target.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace steward::ctl {

namespace {

using nlohmann::json;

constexpr std::string_view kSelected = "selected";

// Keys of the nats tool's files that mean nothing to us; they are no mistake.
constexpr std::array<std::string_view, 10> kForeignKeys{"nkey",
                                                        "nsc",
                                                        "jetstream_domain",
                                                        "jetstream_api_prefix",
                                                        "jetstream_event_prefix",
                                                        "user_jwt",
                                                        "user_seed",
                                                        "color_scheme",
                                                        "socks_proxy",
                                                        "tls_first"};

bool is_foreign(const std::string& key) {
  return key.rfind("windows_", 0) == 0 ||
         std::find(kForeignKeys.begin(), kForeignKeys.end(), key) != kForeignKeys.end();
}

Result<std::optional<std::chrono::milliseconds>> read_timeout(const std::string& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  STEWARD_TRY(const auto timeout, parse_duration(text));
  return timeout;
}

Result<void> check_context_name(const std::string& name) {
  if (auto token = wire::Token::parse(name); !token || name == kSelected) {
    return failure(
        ErrorCode::bad_config,
        fmt::format("'{}' is no name for a context: letters, digits, '-' and '_'", name));
  }
  return {};
}

// Written beside and renamed, so that a reader never meets half a file; for its owner's eyes only.
Result<void> write_private(const std::filesystem::path& path, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  const std::string beside = path.string() + ".new";
  const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    return tl::unexpected(system_error(errno, "write " + beside));
  }
  const bool written = fchmod(fd, 0600) == 0 &&
                       write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int reason = errno;
  close(fd);
  if (!written) {
    return tl::unexpected(system_error(reason, "write " + beside));
  }
  if (rename(beside.c_str(), path.c_str()) != 0) {
    return tl::unexpected(system_error(errno, "write " + path.string()));
  }
  return {};
}

void put_text(json& object, const char* name, const std::string& value) {
  if (!value.empty()) {
    object[name] = value;
  }
}

}  // namespace

Result<Context> decode_context(std::string_view text, const std::string& place) {
  const auto wrong = [&place](const Error& error) {
    return failure(ErrorCode::bad_config, fmt::format("{}: {}", place, error.message));
  };
  auto object = wire::parse_json(text);
  if (!object) {
    return wrong(object.error());
  }
  wire::Fields fields(*object);
  Context context;
  Connection& connection = context.connection;
  context.description = fields.text("description");
  connection.url = fields.text("url");
  connection.user = fields.text("user");
  connection.password = fields.text("password");
  connection.token = fields.text("token");
  connection.credentials_file = fields.text("creds");
  connection.certificate_file = fields.text("cert");
  connection.key_file = fields.text("key");
  connection.ca_file = fields.text("ca");
  connection.inbox_prefix = fields.text("inbox_prefix");
  std::string timeout;
  fields.object("steward", [&connection, &timeout](wire::Fields& own) {
    connection.station = own.text("station");
    connection.signing_key = own.text("key");
    connection.cluster = own.text("cluster");
    connection.operator_id = own.text("operator");
    timeout = own.text("timeout");
    const auto over = own.optional_integer("confirm_over", 0, 1'000'000'000);
    if (over) {
      connection.confirm_over = static_cast<std::size_t>(*over);
    }
  });
  auto unknown = fields.finish();
  if (!unknown) {
    return wrong(unknown.error());
  }
  unknown->erase(std::remove_if(unknown->begin(), unknown->end(), is_foreign), unknown->end());
  if (!unknown->empty()) {
    return failure(ErrorCode::bad_config,
                   fmt::format("{}: unknown key '{}'", place, fmt::join(*unknown, "', '")));
  }
  auto duration = read_timeout(timeout);
  if (!duration) {
    return failure(ErrorCode::bad_config,
                   fmt::format("{}: steward.timeout: {}", place, duration.error().message));
  }
  connection.timeout = *duration;
  return context;
}

std::string encode_context(const Context& context) {
  const Connection& connection = context.connection;
  json object = json::object();
  put_text(object, "description", context.description);
  put_text(object, "url", connection.url);
  put_text(object, "user", connection.user);
  put_text(object, "password", connection.password);
  put_text(object, "token", connection.token);
  put_text(object, "creds", connection.credentials_file);
  put_text(object, "cert", connection.certificate_file);
  put_text(object, "key", connection.key_file);
  put_text(object, "ca", connection.ca_file);
  put_text(object, "inbox_prefix", connection.inbox_prefix);
  json own = json::object();
  put_text(own, "station", connection.station);
  put_text(own, "key", connection.signing_key);
  put_text(own, "cluster", connection.cluster);
  put_text(own, "operator", connection.operator_id);
  if (connection.timeout) {
    own["timeout"] = fmt::format("{}ms", connection.timeout->count());
  }
  if (connection.confirm_over) {
    own["confirm_over"] = *connection.confirm_over;
  }
  if (!own.empty()) {
    object["steward"] = own;
  }
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::filesystem::path ContextStore::default_folder(const Environment& environment) {
  const auto configured = environment("XDG_CONFIG_HOME");
  const std::filesystem::path base =
      configured && !configured->empty()
          ? std::filesystem::path(*configured)
          : std::filesystem::path(environment("HOME").value_or("/root")) / ".config";
  return base / "steward" / "context";
}

std::filesystem::path ContextStore::file(const std::string& name) const {
  return folder_ / (name + ".json");
}

std::vector<std::string> ContextStore::names() const {
  std::vector<std::string> out;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder_, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    if (entry->path().extension() == ".json") {
      out.push_back(entry->path().stem().string());
    }
    entry.increment(error);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string ContextStore::selected() const {
  std::ifstream in(folder_ / kSelected);
  std::string name;
  std::getline(in, name);
  return name;
}

Result<Context> ContextStore::load(const std::string& name) const {
  STEWARD_TRY([[maybe_unused]] const auto checked, wire::Token::parse(name));
  std::ifstream in(file(name), std::ios::binary);
  if (!in && errno != ENOENT) {
    return tl::unexpected(system_error(errno, "read " + file(name).string()));
  }
  if (!in) {
    const auto known = names();
    const std::string near = wire::nearest(name, known);
    return failure(ErrorCode::not_found,
                   fmt::format("no context '{}' ({} known). {}",
                               name,
                               known.size(),
                               near.empty() ? "See: stewardctl context ls"
                                            : fmt::format("Did you mean '{}'?", near)));
  }
  std::ostringstream text;
  text << in.rdbuf();
  return decode_context(text.str(), file(name).string());
}

Result<void> ContextStore::save(const std::string& name, const Context& context) const {
  if (auto good = check_context_name(name); !good) {
    return good;
  }
  return write_private(file(name), encode_context(context));
}

Result<void> ContextStore::select(const std::string& name) const {
  STEWARD_TRY([[maybe_unused]] const auto there, load(name));
  return write_private(folder_ / kSelected, name + "\n");
}

Result<void> ContextStore::remove(const std::string& name) const {
  if (auto good = check_context_name(name); !good) {
    return good;
  }
  if (unlink(file(name).c_str()) != 0) {
    return tl::unexpected(system_error(errno, "remove context " + file(name).string()));
  }
  if (selected() == name && unlink((folder_ / kSelected).c_str()) != 0) {
    return tl::unexpected(system_error(errno, "deselect context " + name));
  }
  return {};
}

}  // namespace steward::ctl
