#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/pattern.hpp"
#include "subjects/wire/target.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

// Which units are meant, by their names and by what they are:
//
//   ship1,'rig[1-20]'  ship* and os=debian  not (site=oslo or load1>4)  kernel~'^6[.]1' and
//   state=up  @fleet-a and not ship1
//
// A term is a target (see Target), a group (@NAME) or KEY OP VALUE; a KEY is a label, a fact, a
// metric or `state`.
// `and` binds closer than `or`. Quotes keep spaces and the words and, or, not, in as they are.
// Comes from the bus too: what it holds and how deep it nests is bounded. Pure.
//
//   KEY = VALUE   the value, or one of a list, is that; * and ? stand for letters; numbers compare
//                 as such. KEY=* asks whether there is one
//   KEY != VALUE  not so, also where there is no value
//   KEY < VALUE   and <= > >=: as numbers, else as versions (6.1.9 is before 6.1.10)
//   KEY ~ RE      a regular expression (Pattern) is found in it; !~ is not so
//   KEY in [a,b]  one of those
class Selector {
 public:
  // A unit, as it is asked for.
  struct Unit {
    std::string_view name;
    // The values of a key as texts: one, several of a list, none where it is not known.
    std::function<std::vector<std::string>(std::string_view key)> values;
    // Whether it is in the group of that name; without it there are no groups.
    std::function<bool(std::string_view group)> is_in = nullptr;
  };

  // At most 64 KiB, 256 terms, 32 deep. Errors: bad_payload, with the place and an example.
  [[nodiscard]] static Result<Selector> parse(std::string_view text);

  bool matches(const Unit& unit) const;

  // It asks for names alone: then it is a target as it was written.
  const Target* names_only() const;

  // The keys that it asks for, and the groups, each once.
  std::vector<std::string> keys() const;
  std::vector<std::string> groups() const;

 private:
  enum class Kind { either, both, inverse, names, group, compare };
  enum class Op { equal, unequal, less, at_most, more, at_least, found, missing };

  // One step of the tree, its parts by their place in steps_.
  struct Step {
    Kind kind;
    std::vector<std::size_t> parts = {};
    std::optional<Target> target = {};
    std::string key = {};  // of compare; of a group its name
    Op op = Op::equal;
    std::vector<std::string> wanted = {};
    std::optional<Pattern> pattern = {};
  };

  class Parser;

  bool holds(std::size_t step, const Unit& unit) const;
  std::vector<std::string> keys_of(Kind kind) const;
  static bool holds(const Step& step, const std::vector<std::string>& values);

  std::vector<Step> steps_;
  std::size_t first_ = 0;
};

// -1, 0 or 1: numbers as numbers, all else with its runs of digits as numbers.
int compare_values(std::string_view left, std::string_view right);

}  // namespace steward::wire
