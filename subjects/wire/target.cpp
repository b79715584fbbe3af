#include "subjects/wire/target.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <utility>

namespace steward::wire {
namespace {

constexpr std::uint64_t kMostNames = 100'000;
constexpr std::size_t kMostPatterns = 1'000;
constexpr std::size_t kMostDigits = 9;
constexpr std::size_t kLongestTarget = 64 * 1024;
constexpr std::size_t kLongestName = 63;

tl::unexpected<Error> bad_target(std::string_view written, std::string_view why) {
  std::string shown;
  for (char c : written.substr(0, 80)) {
    shown += (c >= ' ' && c < 0x7f) ? c : '?';
  }
  return failure(ErrorCode::bad_payload,
                 "target '" + shown + "': " + std::string(why) + "; try ship1,rig[1-20],'shop*'");
}

bool parse_number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && text.size() <= kMostDigits && error == std::errc() &&
         end == text.data() + text.size();
}

bool is_name_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

// The end of the term that begins there: the next comma that is not in brackets.
std::size_t end_of_term(std::string_view text, std::size_t from) {
  bool in_brackets = false;
  for (; from < text.size(); ++from) {
    if (text[from] == '[' || text[from] == ']') {
      in_brackets = text[from] == '[';
    } else if (text[from] == ',' && !in_brackets) {
      break;
    }
  }
  return from;
}

// Edits (insert, delete, replace) from one text to the other; anything above `most` may come out as
// most + 1. Both texts are at most kLongestName long.
std::size_t distance(std::string_view a, std::string_view b, std::size_t most) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > most) {
    return most + 1;
  }
  std::array<std::size_t, kLongestName + 1> row{};
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Target::Range::spelled(std::uint64_t number) const {
  std::string digits = std::to_string(number);
  return digits.insert(0, digits.size() < width ? width - digits.size() : 0, '0');
}

bool Target::Range::has(std::string_view digits) const {
  std::uint64_t number = 0;
  return parse_number(digits, number) && number >= low && number <= high &&
         spelled(number) == digits;
}

// Follows all ways through the pattern at once: bit p of `at` says that the pieces so far can end
// before character p of the name. So the work is pieces times positions, whatever they hold.
bool Target::Pattern::matches(std::string_view unit) const {
  if (unit.size() > kLongestName) {
    return false;
  }
  std::uint64_t at = 1;
  for (const auto& piece : pieces) {
    std::uint64_t next = 0;
    for (std::size_t p = 0; p <= unit.size(); ++p) {
      if ((at >> p & 1) == 0) {
        continue;
      }
      if (piece.kind == Piece::Kind::any_run) {
        next = ~std::uint64_t{0} << p;  // from the first place on, any other
        break;
      }
      if (piece.kind != Piece::Kind::number) {
        const bool fits =
            p < unit.size() && (piece.kind == Piece::Kind::any_letter || piece.letter == unit[p]);
        next |= fits ? std::uint64_t{2} << p : 0;
        continue;
      }
      for (std::size_t length = 1; length <= kMostDigits && p + length <= unit.size(); ++length) {
        const auto digits = unit.substr(p, length);
        const bool fits = std::any_of(piece.ranges.begin(),
                                      piece.ranges.end(),
                                      [digits](const Range& range) { return range.has(digits); });
        next |= fits ? std::uint64_t{1} << (p + length) : 0;
      }
    }
    at = next;
    if (at == 0) {
      return false;
    }
  }
  return (at >> unit.size() & 1) != 0;
}

std::vector<std::string> Target::Pattern::spelled_out() const {
  std::vector<std::string> out{""};
  for (const auto& piece : pieces) {
    if (piece.kind == Piece::Kind::letter) {
      std::for_each(out.begin(), out.end(), [&piece](auto& name) { name += piece.letter; });
      continue;
    }
    std::vector<std::string> longer;
    for (const auto& name : out) {
      for (const auto& range : piece.ranges) {
        for (auto number = range.low; number <= range.high; ++number) {
          longer.push_back(name + range.spelled(number));
        }
      }
    }
    out = std::move(longer);
  }
  return out;
}

// "1-3,07": what stands in brackets. "01-12" has two digits each.
Result<std::vector<Target::Range>> Target::parse_ranges(std::string_view inside,
                                                        std::string_view written) {
  std::vector<Range> ranges;
  for (std::size_t from = 0; from <= inside.size();) {
    const auto comma = std::min(inside.find(',', from), inside.size());
    const auto part = inside.substr(from, comma - from);
    const auto dash = std::min(part.find('-'), part.size());
    const auto low = part.substr(0, dash);
    Range range;
    if (!parse_number(low, range.low) ||
        !parse_number(dash == part.size() ? low : part.substr(dash + 1), range.high) ||
        range.low > range.high) {
      return bad_target(written, "a range is [low-high] of numbers with at most 9 digits");
    }
    range.width = low.starts_with('0') ? low.size() : 0;
    ranges.push_back(range);
    from = comma + 1;
  }
  return ranges;
}

Result<Target::Pattern> Target::parse_pattern(std::string_view written) {
  Pattern pattern;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < written.size() && longest <= kLongestName; ++i) {
    Piece piece;
    std::size_t length = 1;
    if (written[i] == '[') {
      const auto close = written.find(']', i);
      if (close == std::string_view::npos) {
        return bad_target(written, "'[' without its ']'");
      }
      piece.kind = Piece::Kind::number;
      STEWARD_TRY(piece.ranges, parse_ranges(written.substr(i + 1, close - i - 1), written));
      std::uint64_t count = 0;
      for (const auto& range : piece.ranges) {
        count += range.count();
        length = std::max(length, range.spelled(range.high).size());
      }
      pattern.names *= count;  // below 2^64: 10^5, and 10^9 for each three bytes of 64 KiB
      i = close;
    } else if (written[i] == '*' || written[i] == '?') {
      piece.kind = written[i] == '*' ? Piece::Kind::any_run : Piece::Kind::any_letter;
      pattern.glob = true;
    } else if (is_name_letter(written[i])) {
      piece.letter = written[i];
    } else {
      return bad_target(written, "a unit's name has a-z, 0-9 and '-', a pattern also '*' and '?'");
    }
    if (pattern.names > kMostNames) {
      return bad_target(written, "more than 100000 names");
    }
    longest += length;
    pattern.pieces.push_back(std::move(piece));
  }
  const bool bad_ends = written.empty() || written.front() == '-' || written.back() == '-';
  if (longest > kLongestName || (!pattern.glob && bad_ends)) {
    return bad_target(written, "a name has 1 to 63 characters, no '-' first or last");
  }
  return pattern;
}

Result<Target> Target::parse(std::string_view text) {
  if (text.size() > kLongestTarget) {
    return bad_target(text, "longer than 64 KiB");
  }
  Target target;
  std::uint64_t names = 0;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = end_of_term(text, from);
    const auto written = text.substr(from, end - from);
    from = end + 1;
    STEWARD_TRY(auto pattern, parse_pattern(written));
    if (!pattern.glob && written.find('[') == std::string_view::npos) {
      target.names_.emplace_back(written);
      continue;
    }
    names += pattern.glob ? 0 : pattern.names;
    if (names > kMostNames || target.patterns_.size() == kMostPatterns) {
      return bad_target(written, "more than 100000 names or 1000 patterns in one target");
    }
    target.patterns_.push_back(std::move(pattern));
    target.written_.emplace_back(written);
  }
  std::sort(target.names_.begin(), target.names_.end());
  target.names_.erase(std::unique(target.names_.begin(), target.names_.end()), target.names_.end());
  return target;
}

Target Target::all() { return *parse("*"); }

bool Target::matches(std::string_view unit) const {
  return std::binary_search(names_.begin(), names_.end(), unit) ||
         std::any_of(patterns_.begin(), patterns_.end(), [unit](const Pattern& pattern) {
           return pattern.matches(unit);
         });
}

std::optional<std::vector<std::string>> Target::names() const {
  std::vector<std::string> out = names_;
  for (const auto& pattern : patterns_) {
    if (pattern.glob) {
      return std::nullopt;
    }
    auto names = pattern.spelled_out();
    std::move(names.begin(), names.end(), std::back_inserter(out));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Target::Resolved Target::resolve(const std::vector<std::string>& known) const {
  Resolved resolved;
  std::copy_if(known.begin(),
               known.end(),
               std::back_inserter(resolved.units),
               [this](const std::string& unit) { return matches(unit); });
  std::vector<std::string_view> sorted(known.begin(), known.end());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& name : names_) {
    if (!std::binary_search(sorted.begin(), sorted.end(), std::string_view(name))) {
      resolved.unmatched.push_back(name);
    }
  }
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    find_missing(patterns_[i], written_[i], sorted, resolved.unmatched);
  }
  return resolved;
}

void Target::find_missing(const Pattern& pattern,
                          const std::string& written,
                          const std::vector<std::string_view>& known,
                          std::vector<std::string>& unmatched) {
  const bool found = std::any_of(
      known.begin(), known.end(), [&pattern](auto unit) { return pattern.matches(unit); });
  if (!found) {
    unmatched.push_back(written);
  } else if (!pattern.glob) {
    for (auto& name : pattern.spelled_out()) {
      if (!std::binary_search(known.begin(), known.end(), std::string_view(name))) {
        unmatched.push_back(std::move(name));
      }
    }
  }
}

std::string nearest(std::string_view written, const std::vector<std::string>& known) {
  if (written.empty() || written.size() > kLongestName) {
    return {};
  }
  // A short word is near to everything: it gets one edit. One edit is nearer than a beginning in
  // common, which is nearer than two edits.
  const std::size_t most = written.size() <= 3 ? 1 : 2;
  std::string_view best;
  std::size_t best_rank = 2 * most + 2;
  for (const auto& name : known) {
    if (name.empty() || name.size() > kLongestName) {
      continue;
    }
    const std::size_t edits = distance(written, name, most);
    const bool begins = name.starts_with(written) || written.starts_with(name);
    std::size_t rank = edits <= most ? 2 * edits : best_rank;
    rank = begins ? std::min<std::size_t>(rank, 3) : rank;
    if (rank < best_rank) {
      best_rank = rank;
      best = name;
    }
  }
  return std::string(best);
}

}  // namespace steward::wire
