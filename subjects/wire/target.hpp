#pragma once

#include "subjects/wire/error.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

// Which units are meant: names, lists, ranges and globs: ship1,rig[1-20],shop*. A range keeps its
// leading zeros (rig[01-12]). Pure; evaluated against the names that a station knows. A target
// comes from the bus too: nothing is spelled out to match a name, and the work for one is bounded.
class Target {
 public:
  // At most 64 KiB; ranges that stand for 100000 names; 1000 terms with a range or glob.
  // Errors: bad_payload, with the place and an example.
  [[nodiscard]] static Result<Target> parse(std::string_view text);

  // Every unit.
  static Target all();

  bool matches(std::string_view unit) const;

  // The names that it stands for, sorted, each once; none where a glob is among its terms.
  std::optional<std::vector<std::string>> names() const;

  struct Resolved {
    std::vector<std::string> units;      // known ones that match, in their order
    std::vector<std::string> unmatched;  // terms that match none, as they were written; of a range
                                         // that matches in part, the names that are not known
  };

  Resolved resolve(const std::vector<std::string>& known) const;

 private:
  // Numbers from low to high, padded with zeros to the width.
  struct Range {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::size_t width = 0;

    std::uint64_t count() const { return high - low + 1; }

    std::string spelled(std::uint64_t number) const;
    bool has(std::string_view digits) const;
  };

  // One step of a pattern.
  struct Piece {
    enum class Kind { letter, any_letter, any_run, number };

    Kind kind = Kind::letter;
    char letter = 0;
    std::vector<Range> ranges;
  };

  struct Pattern {
    std::vector<Piece> pieces;
    bool glob = false;
    std::uint64_t names = 1;  // that it stands for, of a range

    bool matches(std::string_view unit) const;
    std::vector<std::string> spelled_out() const;
  };

  [[nodiscard]] static Result<std::vector<Range>> parse_ranges(std::string_view inside,
                                                               std::string_view written);
  [[nodiscard]] static Result<Pattern> parse_pattern(std::string_view written);

  // Adds to `unmatched` what of a pattern no known name is; `known` is sorted.
  static void find_missing(const Pattern& pattern,
                           const std::string& written,
                           const std::vector<std::string_view>& known,
                           std::vector<std::string>& unmatched);

  std::vector<std::string> names_;    // the plain ones, sorted
  std::vector<Pattern> patterns_;     // the others
  std::vector<std::string> written_;  // of each pattern
};

// A target that means these units and no other, in few letters: numbers at the end of names that
// differ in nothing else go into ranges. It may be longer than what parse() takes.
std::string target_of(std::vector<std::string> units);

// The known name nearest to what was written (few edits away), or empty: "Did you mean 'ship1'?".
std::string nearest(std::string_view written, const std::vector<std::string>& known);

}  // namespace steward::wire
