#include "subjects/wire/daemon_file.hpp"

#include "subjects/wire/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <toml++/toml.h>

#include <filesystem>
#include <sstream>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

Result<json> json_of_toml(std::string_view text, const std::string& path) {
  try {
    std::ostringstream out;
    out << toml::json_formatter(toml::parse(text, path));
    return parse_json(out.str());
  } catch (const toml::parse_error& error) {
    return failure(
        ErrorCode::bad_config,
        fmt::format("line {}: {}", error.source().begin.line, std::string(error.description())));
  }
}

}  // namespace

Result<DaemonSpec> decode_daemon_file(std::string_view text, const std::string& path) {
  const auto explain = [&path](const Error& error) {
    return tl::unexpected<Error>(Error{ErrorCode::bad_config, path + ": " + error.message});
  };
  const std::filesystem::path file(path);
  auto object = file.extension() == ".toml" ? json_of_toml(text, path) : parse_json(text);
  if (!object) {
    return explain(object.error());
  }
  if (object->is_object() && !object->contains("name")) {
    (*object)["name"] = file.stem().string();
  }
  auto spec = decode_daemon_spec(dump_json(*object));
  if (!spec) {
    return explain(spec.error());
  }
  return spec;
}

}  // namespace steward::wire
