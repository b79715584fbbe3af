// Names of units in few letters: ship1, ship2, ship3 and rig7 become rig7,ship[1-3].

#include "subjects/wire/target.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace steward::wire {
namespace {

constexpr std::size_t kLongestNumber = 9;     // of a number in a range
constexpr std::size_t kLongestBracket = 512;  // one pattern is read piece by piece for each name

// Names that differ in the number at their end only, which has so many digits where it is padded.
struct Family {
  std::string stem;
  std::size_t padded = 0;

  auto operator<=>(const Family&) const = default;
};

std::string spelled(std::uint64_t number, std::size_t padded) {
  std::string digits = std::to_string(number);
  return digits.insert(0, digits.size() < padded ? padded - digits.size() : 0, '0');
}

// Where the digits at the end of a name begin that may stand in a range.
std::size_t begin_of_number(const std::string& name) {
  std::size_t begin = name.size();
  while (begin > 0 && name[begin - 1] >= '0' && name[begin - 1] <= '9' &&
         name.size() - begin < kLongestNumber) {
    --begin;
  }
  return begin;
}

// "[1-3,7]", in pieces of bounded length; a number that stands alone is a plain name.
void write(const Family& family, const std::vector<std::uint64_t>& numbers, std::string& out) {
  std::string inside;
  std::size_t many = 0;
  const auto flush = [&] {
    if (many > 0) {
      const bool plain = many == 1;
      out += out.empty() ? "" : ",";
      out += family.stem + (plain ? inside : "[" + inside + "]");
    }
    inside.clear();
    many = 0;
  };
  for (std::size_t first = 0; first < numbers.size();) {
    std::size_t last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) {
      ++last;
    }
    inside += inside.empty() ? "" : ",";
    inside += spelled(numbers[first], family.padded);
    inside += last == first ? "" : "-" + spelled(numbers[last], family.padded);
    many += last - first + 1;
    first = last + 1;
    if (inside.size() > kLongestBracket) {
      flush();
    }
  }
  flush();
}

}  // namespace

std::string target_of(std::vector<std::string> units) {
  std::sort(units.begin(), units.end());
  units.erase(std::unique(units.begin(), units.end()), units.end());
  std::map<Family, std::vector<std::uint64_t>> families;
  std::string out;
  for (const auto& name : units) {
    const auto begin = begin_of_number(name);
    const std::string digits = name.substr(begin);
    if (digits.empty()) {
      out += (out.empty() ? "" : ",") + name;
      continue;
    }
    std::uint64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool padded = digits.size() > 1 && digits.front() == '0';
    families[{name.substr(0, begin), padded ? digits.size() : 0}].push_back(number);
  }
  for (auto& [family, numbers] : families) {
    std::sort(numbers.begin(), numbers.end());
    write(family, numbers, out);
  }
  return out;
}

}  // namespace steward::wire
