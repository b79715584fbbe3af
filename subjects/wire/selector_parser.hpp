#pragma once

#include "subjects/wire/selector.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

// From text to the steps of a selector: words, then a descent over or, and, not. For
// selector*.cpp only.
class Selector::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  [[nodiscard]] Result<Selector> parse();

 private:
  struct Word {
    enum class Kind { text, op, open, close };

    Kind kind;
    std::string text;     // without its quotes
    bool quoted = false;  // some of it was
    std::size_t at = 0;
  };

  [[nodiscard]] Result<void> read_words();
  [[nodiscard]] Result<Word> read_text(std::size_t& at) const;

  [[nodiscard]] Result<std::size_t> parse_either(int depth);
  [[nodiscard]] Result<std::size_t> parse_both(int depth);
  [[nodiscard]] Result<std::size_t> parse_one(int depth);
  [[nodiscard]] Result<std::size_t> parse_compare();
  [[nodiscard]] Result<std::size_t> parse_list(Step step);
  [[nodiscard]] Result<std::size_t> add(Step step);

  bool next_is(std::string_view keyword) const;
  tl::unexpected<Error> bad(std::size_t at, const std::string& why) const;

  std::string_view text_;
  std::vector<Word> words_;
  std::size_t next_ = 0;
  Selector out_;
};

}  // namespace steward::wire
