#pragma once

#include "subjects/wire/names.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace steward::station {

// What the station keeps and shows of a command's payload.
struct Described {
  std::string
      summary;  // one line for people, at most 200 bytes: the command line, or the operation
  std::string payload;  // as it came, the values of its secrets replaced
  std::optional<wire::MessageId> cancels = std::nullopt;  // the command that it is to end
};

// Pure. `secret_env` names the variables of `env` whose values are secrets; a payload that mentions
// it and cannot be read is not kept at all.
Described describe(std::string_view payload);

// Of a result (a JSON object as text) the fields that are short: numbers, words, a line of text.
std::string short_fields(std::string_view result);

}  // namespace steward::station
