#include "handlers/metrics/series_key.hpp"

#include "subjects/wire/text.hpp"

#include <algorithm>

namespace steward::handlers::metrics {
namespace {

bool plain(char letter) {
  return letter >= ' ' && letter <= '~' && letter != '"' && letter != '\\';
}

}  // namespace

void append_escaped(std::string& out, std::string_view value) {
  if (std::all_of(value.begin(), value.end(), plain)) {
    out += value;
    return;
  }
  const bool utf8 = wire::is_utf8(value);
  for (const char letter : value) {
    if (letter == '\n') {
      out += "\\n";
    } else if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f' ||
               (!utf8 && static_cast<unsigned char>(letter) >= 0x80)) {
      out += '?';
    } else {
      out += letter;
    }
  }
}

void append_name(std::string& out, std::string_view part) {
  for (const char letter : part) {
    const bool good = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || letter == '_' || letter == ':';
    out += good ? letter : '_';
  }
}

std::string series_key(std::string_view name, const std::map<std::string, std::string>& labels) {
  std::string key(name);
  char before = '{';
  for (const auto& [label, value] : labels) {
    if (value.empty()) {
      continue;
    }
    key += before;
    before = ',';
    key += label;
    key += "=\"";
    append_escaped(key, value);
    key += '"';
  }
  if (before == ',') {
    key += '}';
  }
  return key;
}

}  // namespace steward::handlers::metrics
