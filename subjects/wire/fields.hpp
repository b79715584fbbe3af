#pragma once

#include "subjects/wire/error.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

// How deep a payload may be nested, and an answer that holds payloads.
inline constexpr int kDeepestPayload = 64;
inline constexpr int kDeepestAnswer = 72;

// Parses JSON from the world: nested at most so deep, valid UTF-8, nothing behind it.
// Errors: bad_payload with the place.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text,
                                                int deepest = kDeepestPayload);

// JSON as text for the wire; bytes that are not UTF-8 become U+FFFD.
std::string dump_json(const nlohmann::json& value);

// Reads one JSON object of a payload, field by field, and keeps the first error. Each read marks
// its field as known; fields never read come out of finish() as `ignored`. A getter gives its
// fallback when the field is absent or null, and when an error stands already, so a payload reads
// straight down and is checked once at the end:
//
//   Fields fields(object);
//   out.cwd = fields.text("cwd", "/");
//   out.timeout = fields.milliseconds("timeout_ms", 60s, 0ms, 24h);
//   STEWARD_TRY(auto ignored, fields.finish());
class Fields {
 public:
  // The object must outlive this reader. `path` is put before field names in errors ("limits.").
  explicit Fields(const nlohmann::json& object, std::string path = "");
  ~Fields();
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  bool has(std::string_view name);  // there and not null

  std::string text(std::string_view name, std::string fallback = "");
  std::string required_text(std::string_view name);
  std::int64_t integer(std::string_view name,
                       std::int64_t fallback,
                       std::int64_t low,
                       std::int64_t high);
  std::optional<std::int64_t> optional_integer(std::string_view name,
                                               std::int64_t low,
                                               std::int64_t high);
  bool boolean(std::string_view name, bool fallback);
  double number(std::string_view name, double fallback);
  std::chrono::milliseconds milliseconds(std::string_view name,
                                         std::chrono::milliseconds fallback,
                                         std::chrono::milliseconds low,
                                         std::chrono::milliseconds high);
  std::vector<std::string> texts(std::string_view name);
  std::vector<std::int64_t> integers(std::string_view name, std::int64_t low, std::int64_t high);
  std::map<std::string, std::string> text_map(std::string_view name);

  // One of those words, as its index in the list; another word is `unsupported`.
  std::size_t choice(std::string_view name,
                     std::initializer_list<std::string_view> words,
                     std::size_t fallback);
  std::size_t choice(std::string_view name,
                     std::span<const std::string_view> words,
                     std::size_t fallback);

  // Calls read(Fields&) on the object of that name; its unknown fields count as ours ("limits.x").
  void object(std::string_view name, const std::function<void(Fields&)>& read);

  // Calls read(Fields&) on each object of the array of that name.
  void objects(std::string_view name, const std::function<void(Fields&)>& read);

  // The field's JSON as text, empty when absent.
  std::string raw(std::string_view name);

  // Each item of the array of that name, its JSON as text.
  std::vector<std::string> raws(std::string_view name);

  // Reads the array `must`: the names of fields ("limits.pids") that the sender relies on. One that
  // was not read so far is `unsupported`, so call it behind all other reads.
  void must();

  // Keeps an error of the caller's own about a field, if none stands yet.
  void fail(ErrorCode code, std::string_view name, std::string_view why);

  // The names of the fields that nobody read (the first 32, shortened, then how many more), or the
  // first error. Call once, last.
  // Errors: bad_payload, unsupported.
  [[nodiscard]] Result<std::vector<std::string>> finish();

 private:
  const nlohmann::json* find(std::string_view name);
  void wrong_type(std::string_view name, std::string_view expected);
  std::vector<std::string> unread() const;

  const nlohmann::json& object_;
  std::string path_;
  std::vector<std::string> read_;
  std::vector<std::string> nested_unread_;
  std::optional<Error> error_;
};

}  // namespace steward::wire
