#include "subjects/wire/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <string>

namespace steward::error_test {
namespace {

std::set<std::string> words_of_codes() {
  std::set<std::string> words;
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    words.emplace(word(static_cast<ErrorCode>(i)));
  }
  return words;
}

// The first cells of the table under "## Error codes".
std::set<std::string> words_of_readme() {
  std::ifstream readme(STEWARD_SOURCE_DIR "/subjects/wire/README.md");
  std::set<std::string> words;
  bool in_section = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("## ")) {
      in_section = line == "## Error codes";
    } else if (in_section && line.starts_with("| `")) {
      CHECK(words.insert(line.substr(3, line.find('`', 3) - 3)).second);
    }
  }
  return words;
}

Result<int> doubled(Result<int> value) {
  STEWARD_TRY(const int number, std::move(value));
  return number * 2;
}

}  // namespace

TEST_CASE("error: the README's table has exactly the words of the codes") {
  CHECK(words_of_readme() == words_of_codes());
}

TEST_CASE("error: every word is different and leads back to its code") {
  CHECK(words_of_codes().size() == static_cast<std::size_t>(ErrorCode::internal) + 1);
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    CHECK(parse_error_code(word(static_cast<ErrorCode>(i))) == static_cast<ErrorCode>(i));
  }
  CHECK_FALSE(parse_error_code("").has_value());
  CHECK_FALSE(parse_error_code("Internal").has_value());
}

TEST_CASE("error: context is put before the message, the code stays") {
  const auto error = Error{ErrorCode::io, "gone"}.with_context("read").with_context("start");
  CHECK(error.code == ErrorCode::io);
  CHECK(error.text() == "io: start: read: gone");
}

TEST_CASE("error: a failed system call keeps what a caller can act on") {
  CHECK(system_error(EACCES, "open x").code == ErrorCode::permission);
  CHECK(system_error(EPERM, "open x").code == ErrorCode::permission);
  CHECK(system_error(ENOSPC, "write x").code == ErrorCode::no_space);
  CHECK(system_error(EDQUOT, "write x").code == ErrorCode::no_space);
  CHECK(system_error(ENOENT, "open x").code == ErrorCode::not_found);
  CHECK(system_error(EIO, "read x").code == ErrorCode::io);
  CHECK(system_error(ENOENT, "open x").message == "open x: No such file or directory");
}

TEST_CASE("error: STEWARD_TRY gives the value or returns the error") {
  CHECK(doubled(21).value() == 42);
  CHECK(doubled(failure(ErrorCode::busy, "later")).error().code == ErrorCode::busy);
}

}  // namespace steward::error_test
