#include "handlers/metrics/series_key.hpp"

#include "subjects/wire/text.hpp"

#include <algorithm>
#include <array>

namespace steward::handlers::metrics {
namespace {

bool plain(char letter) {
  return letter >= ' ' && letter <= '~' && letter != '"' && letter != '\\';
}

constexpr std::array<bool, 256> kOfAName = [] {
  std::array<bool, 256> good{};
  for (const char letter :
       std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:")) {
    good[static_cast<unsigned char>(letter)] = true;
  }
  return good;
}();

bool of_a_name(char letter) { return kOfAName[static_cast<unsigned char>(letter)]; }

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
  if (std::all_of(part.begin(), part.end(), of_a_name)) {
    out += part;
    return;
  }
  for (const char letter : part) {
    out += of_a_name(letter) ? letter : '_';
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
