#include "handlers/syslogforwarding/parse/line_parser.hpp"

#include <algorithm>
#include <array>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr std::string_view kCookie = "@cee:";
constexpr std::size_t kMostMembers = 64;

void skip_white(Scan& scan) {
  while (scan.next() == ' ' || scan.next() == '\t') {
    scan.skip(1);
  }
}

// What stands between two quotes, its escapes as they are. False where it has no end.
bool take_text(Scan& scan, std::string_view& text) {
  if (!scan.take('"')) {
    return false;
  }
  const auto rest = scan.rest();
  for (std::size_t at = 0; at < rest.size(); ++at) {
    if (rest[at] == '\\') {
      ++at;
    } else if (rest[at] == '"') {
      text = rest.substr(0, at);
      scan.skip(at + 1);
      return true;
    }
  }
  return false;
}

// A number, a word, an object or a list: up to the comma or brace behind it.
bool skip_other(Scan& scan, std::string_view& text) {
  const auto rest = scan.rest();
  int depth = 0;
  bool quoted = false;
  for (std::size_t at = 0; at < rest.size(); ++at) {
    const char letter = rest[at];
    if (quoted) {
      at += letter == '\\' ? 1 : 0;
      quoted = letter != '"';
    } else if (letter == '"') {
      quoted = true;
    } else if (letter == '{' || letter == '[') {
      ++depth;
    } else if (depth == 0 && (letter == ',' || letter == '}')) {
      text = rest.substr(0, at);
      scan.skip(at);
      return at > 0;
    } else if (letter == '}' || letter == ']') {
      --depth;
    }
  }
  return false;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

struct Word {
  std::string_view text;
  int severity;
};

// In the words of common logging libraries, the first letters of each.
constexpr std::array<Word, 12> kWords{{{"emerg", 0},
                                       {"panic", 0},
                                       {"alert", 1},
                                       {"crit", 2},
                                       {"fatal", 2},
                                       {"err", 3},
                                       {"warn", 4},
                                       {"notice", 5},
                                       {"info", 6},
                                       {"debug", 7},
                                       {"trace", 7},
                                       {"verb", 7}}};

int severity_of(std::string_view text) {
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  for (const auto& word : kWords) {
    if (text.size() >= word.text.size() &&
        std::equal(word.text.begin(), word.text.end(), text.begin(), [&](char b, char a) {
          return same(a, b);
        })) {
      return word.severity;
    }
  }
  return text.size() == 1 && text[0] >= '0' && text[0] <= '7' ? text[0] - '0' : -1;
}

}  // namespace

bool read_json_line(std::size_t at, wire::LogRecord& record) {
  const auto& line = record.line;
  Scan scan(line, at);
  skip_white(scan);
  if (scan.rest().substr(0, kCookie.size()) == kCookie) {
    scan.skip(kCookie.size());
    skip_white(scan);
  }
  if (line.empty() || line.back() != '}' || !scan.take('{')) {
    return false;
  }
  const std::size_t object = scan.at() - 1;
  std::string_view message;
  wire::LogRecord read = record;
  for (std::size_t members = 0; members < kMostMembers; ++members) {
    std::string_view name;
    std::string_view value;
    skip_white(scan);
    if (!take_text(scan, name)) {
      return false;
    }
    skip_white(scan);
    if (!scan.take(':')) {
      return false;
    }
    skip_white(scan);
    if (!(scan.next() == '"' ? take_text(scan, value) : skip_other(scan, value))) {
      return false;
    }
    if (is_one_of(name, {"msg", "message", "MESSAGE"})) {
      message = value;
    } else if (is_one_of(name, {"level", "severity", "lvl", "pri"})) {
      const int severity = severity_of(value);
      read.severity = severity < 0 ? read.severity : severity;
    } else if (is_one_of(name, {"program", "app", "appname", "pname"})) {
      read.program = value;
    } else if (is_one_of(name, {"host", "hostname"})) {
      read.host = value;
    }
    skip_white(scan);
    if (!scan.take(',')) {
      break;
    }
  }
  record = read;
  record.at =
      message.data() == nullptr ? object : static_cast<std::size_t>(message.data() - line.data());
  record.length = message.data() == nullptr ? line.size() - object : message.size();
  return true;
}

}  // namespace steward::handlers::syslogforwarding
