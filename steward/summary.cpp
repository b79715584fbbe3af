#include "steward/summary.hpp"

#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

namespace steward::station {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestSummary = 200;
constexpr std::size_t kMostShortFields = 16;
constexpr std::string_view kSecret = "(secret)";
constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";

// As a shell takes it, so that it can be copied into one.
std::string quoted_for_shell(const std::string& word) {
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
    return word;
  }
  std::string out = "'";
  for (const char letter : word) {
    out += letter == '\'' ? "'\\''" : std::string(1, letter);
  }
  return out + "'";
}

// One line without control characters, cut between characters of UTF-8.
std::string one_line(std::string text) {
  for (char& letter : text) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) {
      letter = ' ';
    }
  }
  if (text.size() <= kLongestSummary) {
    return text;
  }
  std::size_t end = kLongestSummary - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return text.substr(0, end) + "...";
}

std::string text_of(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::string command_line(const json& argv) {
  std::string line;
  for (const auto& word : argv) {
    line.append(line.empty() ? "" : " ");
    line.append(word.is_string() ? quoted_for_shell(word.get<std::string>()) : word.dump());
    if (line.size() > kLongestSummary) {
      break;
    }
  }
  return line;
}

std::string summary_of(const json& object) {
  const std::string op = text_of(object, "op");
  if (!op.empty() && op != "run") {
    const std::string ref = text_of(object, "ref");
    return ref.empty() ? op : op + " " + ref;
  }
  const auto argv = object.find("argv");
  if (argv != object.end() && argv->is_array()) {
    return command_line(*argv);
  }
  const std::string shell = text_of(object, "shell");
  return shell.empty() ? wire::dump_json(object) : shell;
}

std::optional<wire::MessageId> cancelled_by(const json& object) {
  if (text_of(object, "op") != "cancel") {
    return std::nullopt;
  }
  const auto ref = wire::MessageId::parse(text_of(object, "ref"));
  return ref ? std::optional(*ref) : std::nullopt;
}

// Replaces the values of `env` that `secret_env` names. True when there were any.
bool hide_secrets(json& object) {
  const auto names = object.find("secret_env");
  const auto env = object.find("env");
  if (names == object.end() || env == object.end() || !env->is_object()) {
    return false;
  }
  if (!names->is_array()) {
    // Which ones are meant cannot be known.
    *env = kSecret;
    return true;
  }
  for (const auto& name : *names) {
    if (name.is_string() && env->contains(name.get<std::string>())) {
      (*env)[name.get<std::string>()] = kSecret;
    }
  }
  return true;
}

}  // namespace

std::string short_fields(std::string_view result) {
  const auto parsed = wire::parse_json(result);
  if (!parsed || !parsed->is_object()) {
    return {};
  }
  json out = json::object();
  for (const auto& [name, value] : parsed->items()) {
    const bool is_long =
        value.is_structured() ||
        (value.is_string() && value.get_ref<const std::string&>().size() > kLongestSummary);
    if (!is_long && name.size() <= kLongestSummary && out.size() < kMostShortFields) {
      out[name] = value;
    }
  }
  return out.empty() ? std::string() : wire::dump_json(out);
}

Described describe(std::string_view payload) {
  auto parsed = wire::parse_json(payload);
  if (!parsed || !parsed->is_object()) {
    const bool perhaps_secret = payload.find("secret_env") != std::string_view::npos;
    return {one_line(perhaps_secret ? "(unreadable)" : std::string(payload.substr(0, 1024))),
            perhaps_secret ? std::string() : std::string(payload)};
  }
  const bool hidden = hide_secrets(*parsed);
  return {one_line(summary_of(*parsed)),
          hidden ? wire::dump_json(*parsed) : std::string(payload),
          cancelled_by(*parsed)};
}

}  // namespace steward::station
