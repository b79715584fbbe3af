#include "subjects/wire/selector_parser.hpp"

#include "subjects/wire/group.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace steward::wire {
namespace {

constexpr std::size_t kLongestSelector = 64 * 1024;
constexpr std::size_t kMostSteps = 512;
constexpr std::size_t kMostTerms = 256;
constexpr int kDeepest = 32;
constexpr std::size_t kLongestKey = 512;

constexpr std::string_view kOpLetters = "=!<>~";

// The longest first.
constexpr std::array<std::string_view, 9> kComparisons{
    "==", "!=", "!~", "<=", ">=", "=", "<", ">", "~"};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// "a,b,'c d'" without the brackets.
std::vector<std::string> items_of(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    auto item = text.substr(0, comma);
    while (!item.empty() && is_space(item.front())) {
      item.remove_prefix(1);
    }
    while (!item.empty() && is_space(item.back())) {
      item.remove_suffix(1);
    }
    items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

}  // namespace

tl::unexpected<Error> Selector::Parser::bad(std::size_t at, const std::string& why) const {
  std::string shown;
  for (char c : text_.substr(0, 80)) {
    shown += (c >= ' ' && c < 0x7f) ? c : '?';
  }
  return failure(ErrorCode::bad_payload,
                 "target '" + shown + "', at " + std::to_string(at + 1) + ": " + why +
                     "; try ship1,'rig*' or: os=debian and not (site=oslo or load1>4)");
}

// One text up to a space, a bracket that closes or opens a group, or an operator; what stands in
// quotes, [] or {} belongs to it.
Result<Selector::Parser::Word> Selector::Parser::read_text(std::size_t& at) const {
  Word word{Word::Kind::text, {}, false, at};
  char inside = 0;  // the letter that ends what has begun
  for (; at < text_.size(); ++at) {
    const char c = text_[at];
    if (inside == '\'' || inside == '"') {
      if (c == inside) {
        inside = 0;
      } else {
        word.text += c;
      }
      continue;
    }
    if (inside != 0) {
      inside = c == inside ? '\0' : inside;
    } else if (c == '\'' || c == '"') {
      inside = c;
      word.quoted = true;
      continue;
    } else if (c == '[' || c == '{') {
      inside = c == '[' ? ']' : '}';
    } else if (is_space(c) || c == '(' || c == ')' ||
               kOpLetters.find(c) != std::string_view::npos) {
      break;
    }
    word.text += c;
  }
  if (inside != 0) {
    return bad(word.at, std::string("what begins here has no ") + inside);
  }
  return word;
}

Result<void> Selector::Parser::read_words() {
  for (std::size_t at = 0; at < text_.size();) {
    const char c = text_[at];
    if (is_space(c)) {
      ++at;
    } else if (c == '(' || c == ')') {
      words_.push_back({c == '(' ? Word::Kind::open : Word::Kind::close, {}, false, at++});
    } else if (kOpLetters.find(c) != std::string_view::npos) {
      const auto* const op =
          std::find_if(kComparisons.begin(), kComparisons.end(), [this, at](auto one) {
            return text_.substr(at).starts_with(one);
          });
      if (op == kComparisons.end()) {
        return bad(at, "an operator is one of = != < <= > >= ~ !~");
      }
      words_.push_back({Word::Kind::op, std::string(*op), false, at});
      at += op->size();
    } else {
      STEWARD_TRY(auto word, read_text(at));
      words_.push_back(std::move(word));
    }
  }
  return {};
}

bool Selector::Parser::next_is(std::string_view keyword) const {
  return next_ < words_.size() && words_[next_].kind == Word::Kind::text && !words_[next_].quoted &&
         words_[next_].text == keyword;
}

Result<std::size_t> Selector::Parser::add(Step step) {
  const auto terms = std::count_if(out_.steps_.begin(), out_.steps_.end(), [](const Step& one) {
    return one.kind == Kind::names || one.kind == Kind::group || one.kind == Kind::compare;
  });
  if (out_.steps_.size() == kMostSteps || terms > static_cast<std::ptrdiff_t>(kMostTerms)) {
    return bad(0, "more than 256 terms");
  }
  out_.steps_.push_back(std::move(step));
  return out_.steps_.size() - 1;
}

Result<std::size_t> Selector::Parser::parse_either(int depth) {
  Step step{Kind::either};
  do {
    STEWARD_TRY(const auto part, parse_both(depth));
    step.parts.push_back(part);
  } while (next_is("or") && ++next_ > 0);
  return step.parts.size() == 1 ? step.parts.front() : add(std::move(step));
}

Result<std::size_t> Selector::Parser::parse_both(int depth) {
  Step step{Kind::both};
  do {
    STEWARD_TRY(const auto part, parse_one(depth));
    step.parts.push_back(part);
  } while (next_is("and") && ++next_ > 0);
  return step.parts.size() == 1 ? step.parts.front() : add(std::move(step));
}

Result<std::size_t> Selector::Parser::parse_one(int depth) {
  if (next_ == words_.size()) {
    return bad(text_.size(), "something is missing at its end");
  }
  const Word& word = words_[next_];
  if (depth > kDeepest) {
    return bad(word.at, "nested more than 32 deep");
  }
  if (next_is("not")) {
    ++next_;
    STEWARD_TRY(const auto part, parse_one(depth + 1));
    return add({.kind = Kind::inverse, .parts = {part}});
  }
  if (word.kind == Word::Kind::open) {
    ++next_;
    STEWARD_TRY(const auto inner, parse_either(depth + 1));
    if (next_ == words_.size() || words_[next_].kind != Word::Kind::close) {
      return bad(word.at, "'(' without its ')'");
    }
    ++next_;
    return inner;
  }
  if (word.kind != Word::Kind::text || next_is("and") || next_is("or") || next_is("in")) {
    return bad(word.at, "a unit's name or KEY=VALUE is expected here");
  }
  return parse_compare();
}

Result<std::size_t> Selector::Parser::parse_compare() {
  const Word& first = words_[next_++];
  Step step{.kind = Kind::compare, .key = first.text};
  if (next_is("in")) {
    ++next_;
    return parse_list(std::move(step));
  }
  const bool compares = next_ < words_.size() && words_[next_].kind == Word::Kind::op;
  if (!compares && !first.quoted && first.text.starts_with('@')) {
    step.kind = Kind::group;
    step.key = first.text.substr(1);
    return is_group(step.key) ? add(std::move(step))
                              : bad(first.at, "a group's name has 1 to 63 of a-z 0-9 _ - .");
  }
  if (!compares) {
    auto target = Target::parse(first.text);
    if (!target) {
      return tl::unexpected<Error>(std::move(target).error());
    }
    step.kind = Kind::names;
    step.target = *std::move(target);
    return add(std::move(step));
  }
  const Word& op = words_[next_++];
  if (next_ == words_.size() || words_[next_].kind != Word::Kind::text) {
    return bad(op.at, "a value is missing behind " + op.text + " ('' is none)");
  }
  const Word& value = words_[next_++];
  constexpr std::array<std::pair<std::string_view, Op>, 9> kMeaning{{{"=", Op::equal},
                                                                     {"==", Op::equal},
                                                                     {"!=", Op::unequal},
                                                                     {"<", Op::less},
                                                                     {"<=", Op::at_most},
                                                                     {">", Op::more},
                                                                     {">=", Op::at_least},
                                                                     {"~", Op::found},
                                                                     {"!~", Op::missing}}};
  step.op = std::find_if(kMeaning.begin(), kMeaning.end(), [&op](const auto& one) {
              return one.first == op.text;
            })->second;
  if (step.key.empty() || step.key.size() > kLongestKey) {
    return bad(first.at, "a key has 1 to 512 letters");
  }
  if (step.op == Op::found || step.op == Op::missing) {
    auto pattern = Pattern::compile(value.text);
    if (!pattern) {
      return bad(value.at, pattern.error().message);
    }
    step.pattern = *std::move(pattern);
  }
  step.wanted = {value.text};
  return add(std::move(step));
}

Result<std::size_t> Selector::Parser::parse_list(Step step) {
  if (next_ == words_.size() || words_[next_].kind != Word::Kind::text ||
      !words_[next_].text.starts_with('[') || !words_[next_].text.ends_with(']')) {
    return bad(words_[next_ - 1].at, "a list is missing behind in: [oslo,bergen]");
  }
  const std::string_view list = words_[next_++].text;
  step.wanted = items_of(list.substr(1, list.size() - 2));
  return add(std::move(step));
}

Result<Selector> Selector::Parser::parse() {
  if (text_.size() > kLongestSelector) {
    return bad(0, "longer than 64 KiB");
  }
  if (auto read = read_words(); !read) {
    return tl::unexpected<Error>(std::move(read).error());
  }
  STEWARD_TRY(out_.first_, parse_either(0));
  if (next_ != words_.size()) {
    return bad(words_[next_].at, "'and' or 'or' is expected here");
  }
  return std::move(out_);
}

}  // namespace steward::wire
