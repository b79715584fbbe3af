#include "handlers/facts/sources/source.hpp"

#include "handlers/runtime/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace steward::handlers::facts {

std::string read_file(const std::string& path, std::size_t most) {
  const runtime::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string text;

  struct stat status {};

  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return text;
  }
  // A file of /proc says no size.
  std::size_t room = status.st_size > 0 ? static_cast<std::size_t>(status.st_size) + 1 : 4'096;
  while (text.size() < most) {
    const auto at = text.size();
    text.resize(std::min(most, at + room));
    const auto got = ::read(file.get(), text.data() + at, text.size() - at);
    text.resize(at + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) {
      break;
    }
    room = 65'536;
  }
  return text;
}

std::string read_line(const std::string& path) {
  const auto text = read_file(path, 4'096);
  return std::string(trimmed(std::string_view(text).substr(0, text.find('\n'))));
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace(" \t\r\n\0", 5);
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

void put(wire::Facts& facts, const std::string& path, std::string_view text) {
  if (!text.empty()) {
    facts.insert_or_assign(path, wire::fact_text(text));
  }
}

void put(wire::Facts& facts, const std::string& path, std::int64_t number) {
  facts.insert_or_assign(path, std::to_string(number));
}

void put_flag(wire::Facts& facts, const std::string& path, bool flag) {
  facts.insert_or_assign(path, flag ? "true" : "false");
}

void put_more(wire::Facts& facts, const std::string& path, std::string_view text) {
  auto& value = facts[path];
  if (value.size() + text.size() + 16 > wire::kLongestFact) {
    return;
  }
  if (value.empty()) {
    value = "[]";
  }
  value.pop_back();
  value += (value.size() == 1 ? "" : ",") + wire::fact_text(text) + "]";
}

}  // namespace steward::handlers::facts
