#pragma once

#include "subjects/wire/fields.hpp"
#include "subjects/wire/process.hpp"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::wire {

// How a process is described, in commands and in daemons: each with an error of its field where it
// is wrong. For the sources of this folder.

bool has_nul(std::string_view text);

// A text without NUL: it goes to the system as a C string.
std::string read_c_text(Fields& fields, std::string_view name, std::string fallback = "");

// An absolute one.
std::string read_path(Fields& fields, std::string_view name, std::string fallback = "");

std::vector<std::string> read_argv(Fields& fields, std::string_view name);

// The field `env`.
std::map<std::string, std::string> read_env(Fields& fields);

// The field `umask`: octal digits.
std::optional<std::int64_t> read_umask(Fields& fields);

std::string octal(std::int64_t value);

// The field `limits`.
void read_limits(Fields& fields, ProcessLimits& limits);

nlohmann::json limits_json(const ProcessLimits& limits);

// Reads one of those words.
template <class Enum, std::size_t count>
void read_word(Fields& fields,
               std::string_view name,
               const std::array<std::string_view, count>& words,
               Enum& value) {
  value = static_cast<Enum>(fields.choice(name, words, static_cast<std::size_t>(value)));
}

template <class Enum, std::size_t count>
std::string word_of(Enum value, const std::array<std::string_view, count>& words) {
  return std::string(words[static_cast<std::size_t>(value)]);
}

// Writes a value that is not its default. `Json`: nlohmann::json, which its sources know.
template <class Json, class T>
void put(Json& out, const char* name, const T& value, const T& usual) {
  if (value != usual) {
    out[name] = value;
  }
}

template <class Json>
void put(Json& out,
         const char* name,
         std::chrono::milliseconds value,
         std::chrono::milliseconds usual) {
  put(out, name, value.count(), usual.count());
}

template <class Json, class Enum, std::size_t count>
void put_word(Json& out,
              const char* name,
              Enum value,
              Enum usual,
              const std::array<std::string_view, count>& words) {
  if (value != usual) {
    out[name] = word_of(value, words);
  }
}

template <class Json>
void put_object(Json& out, const char* name, Json object) {
  if (!object.empty()) {
    out[name] = std::move(object);
  }
}

}  // namespace steward::wire
