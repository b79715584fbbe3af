#pragma once

#include "subjects/wire/ack.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/names.hpp"
#include "subjects/wire/time.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

// Fields that several rows of a station's answers have. For query*.cpp only.
namespace steward::wire {

nlohmann::json time_or_null(const std::optional<Timestamp>& time);

std::optional<Timestamp> read_time(Fields& fields, std::string_view name);
Timestamp read_required_time(Fields& fields, std::string_view name);

// A field that holds an id; where it does not, an error is kept and any id stands in until
// finish().
MessageId read_id(Fields& fields, std::string_view name);

// The same for a field that may be absent.
std::optional<MessageId> read_optional_id(Fields& fields, std::string_view name);

CommandState read_state(Fields& fields, std::string_view name);
std::string read_node(Fields& fields, std::string_view name);

// Reads the JSON object of a payload, and checks it when `read` has been through it.
[[nodiscard]] Result<void> read_object(std::string_view payload,
                                       const std::function<void(Fields&)>& read);

// Decodes one payload: read(Fields&) gives the value, and any error kept on the way wins over it.
template <class Read>
auto decode_object(std::string_view payload, Read read)
    -> Result<decltype(read(std::declval<Fields&>()))> {
  std::optional<decltype(read(std::declval<Fields&>()))> value;
  auto done = read_object(payload, [&](Fields& fields) { value.emplace(read(fields)); });
  if (!done) {
    return tl::unexpected<Error>(std::move(done).error());
  }
  return *std::move(value);
}

}  // namespace steward::wire
