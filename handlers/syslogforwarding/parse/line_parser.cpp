#include "handlers/syslogforwarding/parse/line_parser.hpp"

#include <algorithm>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr int kMostPriority = 191;
constexpr std::size_t kLongestTag = 64;

// "<13>"; -1 and nothing taken where there is none.
int take_priority(Scan& scan) {
  Scan ahead = scan;
  if (!ahead.take('<')) {
    return -1;
  }
  const int priority = ahead.number(3);
  if (priority < 0 || priority > kMostPriority || !ahead.take('>')) {
    return -1;
  }
  scan = ahead;
  return priority;
}

std::string_view unless_nil(std::string_view text) {
  return text == "-" ? std::string_view() : text;
}

// "[id name="value"][...]" or "-". False where it is malformed.
bool skip_structured(Scan& scan) {
  if (scan.take('-')) {
    return true;
  }
  if (scan.next() != '[') {
    return false;
  }
  while (scan.take('[')) {
    bool quoted = false;
    for (;; scan.skip(1)) {
      if (scan.empty()) {
        return false;
      }
      const char letter = scan.next();
      if (quoted && letter == '\\') {
        scan.skip(1);
      } else if (letter == '"') {
        quoted = !quoted;
      } else if (letter == ']' && !quoted) {
        scan.skip(1);
        break;
      }
    }
  }
  return true;
}

struct Tag {
  std::string_view program;
  std::string_view pid;
  std::size_t end = 0;  // of it, its colon included
};

bool is_tag_letter(char letter) {
  return letter > ' ' && letter != '[' && letter != ':' && letter != ']' && letter != '"' &&
         letter != '\x7f';
}

// "sshd[123]: " or "kernel: "; an empty program where there is none.
Tag find_tag(const Scan& scan) {
  const auto text = scan.rest();
  const std::size_t most = std::min(text.size(), kLongestTag);
  std::size_t at = 0;
  while (at < most && is_tag_letter(text[at])) {
    ++at;
  }
  Tag tag{text.substr(0, at), {}, 0};
  if (at == 0 || at >= text.size()) {
    return {};
  }
  if (text[at] == '[') {
    const auto close = text.substr(0, at + kLongestTag).find(']', at);
    if (close == std::string_view::npos) {
      return {};
    }
    tag.pid = text.substr(at + 1, close - at - 1);
    at = close + 1;
    if (at < text.size() && text[at] != ':') {
      // Some leave the colon out.
      tag.end = text[at] == ' ' ? at : 0;
      return tag.end == 0 ? Tag{} : tag;
    }
  }
  if (at < text.size() && text[at] != ':') {
    return {};
  }
  tag.end = std::min(at + 1, text.size());
  if (tag.end < text.size() && text[tag.end] != ' ' && tag.pid.empty()) {
    return {};  // "http://..." is no tag
  }
  return tag;
}

void use(const Tag& tag, Scan& scan, wire::LogRecord& record) {
  record.program = tag.program;
  record.pid = tag.pid;
  scan.skip(tag.end);
  scan.take(' ');
}

bool is_host_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || is_digit(letter) ||
         letter == '.' || letter == '-' || letter == '_' || letter == ':';
}

bool looks_like_host(std::string_view word) {
  return !word.empty() && word.size() <= 255 &&
         std::all_of(word.begin(), word.end(), is_host_letter);
}

}  // namespace

bool LineParser::rfc5424(Scan scan, wire::LogRecord& record) {
  if (!scan.take('1') || !scan.take(' ')) {
    return false;
  }
  if (!scan.take('-')) {
    const auto time = moments_.iso(scan);
    if (!time) {
      return false;
    }
    record.time_us = *time;
  }
  std::string_view words[4];  // host, program, process, message id
  for (auto& word : words) {
    if (!scan.take(' ')) {
      return false;
    }
    word = scan.word();
    if (word.empty()) {
      return false;
    }
  }
  record.host = unless_nil(words[0]);
  record.program = unless_nil(words[1]);
  record.pid = unless_nil(words[2]);
  // Lenient: without structured data the rest is the message.
  Scan behind = scan;
  if (behind.take(' ') && skip_structured(behind) && (behind.empty() || behind.next() == ' ')) {
    scan = behind;
  }
  scan.take(' ');
  if (scan.rest().substr(0, 3) == "\xEF\xBB\xBF") {
    scan.skip(3);
  }
  record.at = scan.at();
  record.length = scan.rest().size();
  return true;
}

void LineParser::rfc3164(Scan scan, Origin origin, bool has_priority, wire::LogRecord& record) {
  Scan ahead = scan;
  ahead.take('*');  // some write one before a time that is not known to be right
  auto time = moments_.bsd(ahead, record.received_us);
  if (!time) {
    time = moments_.iso(ahead);
  }
  if (time && (ahead.empty() || ahead.next() == ' ')) {
    record.time_us = *time;
    ahead.skip_blanks();
    scan = ahead;
  } else if (!has_priority) {
    return;  // a line of a file that says nothing of itself
  }
  auto tag = find_tag(scan);
  if (tag.program.empty() || origin != Origin::local) {
    // "host tag: text"; "host: text" is a tag.
    Scan behind = scan;
    const auto word = behind.word();
    if (tag.program.empty() && time && looks_like_host(word) && behind.take(' ')) {
      const auto next = find_tag(behind);
      if (!next.program.empty() || (origin == Origin::network && has_priority)) {
        record.host = word;
        tag = next;
        scan = behind;
      }
    }
  }
  if (!tag.program.empty()) {
    use(tag, scan, record);
  }
  record.at = scan.at();
  record.length = scan.rest().size();
}

void LineParser::parse(std::string_view line,
                       Origin origin,
                       std::int64_t received_us,
                       wire::LogRecord& record) {
  record = {};
  record.received_us = received_us;
  record.time_us = received_us;
  record.line = line;
  record.length = line.size();
  Scan scan(line);
  const int priority = take_priority(scan);
  if (priority >= 0) {
    record.severity = priority % 8;
    record.facility = priority / 8;
    record.at = scan.at();
    record.length = line.size() - scan.at();
    if (rfc5424(scan, record)) {
      read_json_line(record.at, record);
      return;
    }
    // What was read of it before it turned out to be none.
    record.time_us = received_us;
    record.host = record.program = record.pid = {};
  } else if (read_json_line(0, record)) {
    return;
  }
  rfc3164(scan, origin, priority >= 0, record);
  read_json_line(record.at, record);
}

}  // namespace steward::handlers::syslogforwarding
