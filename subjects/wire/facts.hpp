#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

// What a unit is: paths ("os.version", "labels.site") and their values, each as JSON text: a text,
// a number, true, false, or a list of those. The contract is in README.md ("facts").
using Facts = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t kMostFacts = 2048;
inline constexpr std::size_t kLongestFactPath = 128;
inline constexpr std::size_t kLongestFact = 4096;
inline constexpr std::size_t kMostFactBytes = 192 * 1024;  // paths and values of one unit
inline constexpr std::size_t kMostLabels = 64;

inline constexpr std::chrono::milliseconds kShortestFactsInterval{1'000};
inline constexpr std::chrono::milliseconds kLongestFactsInterval{86'400'000};

// 1 to 128 of A-Z a-z 0-9 _ - . : / with no '.' first or last.
bool is_fact_path(std::string_view path);

// 1 to 63 of a-z 0-9 _ - . with a letter or digit first and last: "site", "example.org-tier".
bool is_label(std::string_view name);

// Puts a value from the world at that path: an object as one fact for each of its members, a list
// of objects as its JSON text. Returns what could not be taken (a bad path, too long, no room),
// empty when all was. Errors: bad_payload (no JSON).
[[nodiscard]] Result<std::vector<std::string>> add_facts(Facts& facts,
                                                         const std::string& prefix,
                                                         std::string_view json);

// What they take of kMostFactBytes.
std::size_t bytes_of(const Facts& facts);

// A text as a value.
std::string fact_text(std::string_view text);

// 16 hexadecimal digits; of none at all: empty.
std::string hash_of(const Facts& facts);

// Payload of <node>.event.facts.system: what has changed since the facts with the hash `base`; all
// of them where that is empty.
struct FactsEvent {
  std::string hash;  // of all, with these changes
  std::string base;
  Facts facts;                    // new or changed
  std::vector<std::string> gone;  // paths; none without a base

  bool operator==(const FactsEvent&) const = default;
};

// What leads from one to the other.
FactsEvent difference(const Facts& from, const Facts& to);

// Puts an event over what was known. Errors: conflict (its base is another, or what comes out has
// not its hash): `facts` is as before.
[[nodiscard]] Result<void> apply_facts(const FactsEvent& event, Facts& facts);

std::string encode(const FactsEvent& event);

// Errors: bad_payload, too_large.
[[nodiscard]] Result<FactsEvent> decode_facts_event(std::string_view payload);

// One JSON object, path by path.
std::string facts_to_json(const Facts& facts);

// Errors: bad_payload, too_large.
[[nodiscard]] Result<Facts> facts_from_json(std::string_view text);

// One unit's facts as a station tells them: {"unit", "hash", "at", "facts": {...}}.
struct FactsRow {
  std::string unit;
  std::string hash;
  Timestamp at;  // when the station heard of the last change
  Facts facts;

  bool operator==(const FactsRow&) const = default;
};

std::string encode(const FactsRow& row);

// Errors: bad_payload, too_large.
[[nodiscard]] Result<FactsRow> decode_facts_row(std::string_view json);

// Payload of <node>.command.facts.system.
struct FactsRequest {
  enum class Op { get, refresh, tell, set };

  Op op = Op::get;
  std::vector<std::string> keys;  // get, refresh: paths, or the beginning of some; empty: all
  std::map<std::string, std::optional<std::string>> labels;  // set; none: taken away
  std::vector<std::string> ignored;
};

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<FactsRequest> decode_facts_request(std::string_view payload);

// Whether a path is one of those keys or below one ("os" has os and os.version).
bool is_among(std::string_view path, const std::vector<std::string>& keys);

}  // namespace steward::wire
