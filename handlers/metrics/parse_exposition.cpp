#include "handlers/metrics/scan.hpp"
#include "handlers/metrics/series_key.hpp"
#include "handlers/metrics/told.hpp"
#include "subjects/wire/text.hpp"

#include <array>
#include <charconv>
#include <map>
#include <set>
#include <utility>

namespace steward::handlers::metrics {
namespace {

using wire::MetricType;

bool begins_name(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_';
}

void skip_spaces(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
}

// Takes a name off the front; empty where there is none.
std::string_view take_name(std::string_view& line, bool with_colons) {
  std::size_t length = 0;
  while (length < line.size() &&
         (begins_name(line[length]) || (with_colons && line[length] == ':') ||
          (length > 0 && line[length] >= '0' && line[length] <= '9'))) {
    ++length;
  }
  const auto name = line.substr(0, length);
  line.remove_prefix(length);
  return name;
}

// Takes a quoted value off the front, with what is escaped in it. False where there is none.
bool take_quoted(std::string_view& line, std::string& value) {
  if (!line.starts_with('"')) {
    return false;
  }
  for (std::size_t at = 1; at < line.size(); ++at) {
    if (line[at] == '"') {
      line.remove_prefix(at + 1);
      return wire::is_utf8(value);
    }
    if (line[at] != '\\') {
      value += line[at];
    } else if (++at < line.size()) {
      value += line[at] == 'n' ? '\n' : line[at];
    }
  }
  return false;
}

// The rest of {a="1",b="2"}, from the brace on. Empty: all is well.
std::string_view take_labels(std::string_view& line, std::map<std::string, std::string>& labels) {
  line.remove_prefix(1);
  for (skip_spaces(line); !line.starts_with('}'); skip_spaces(line)) {
    std::string name(take_name(line, false));
    skip_spaces(line);
    if (name.empty() || !line.starts_with('=')) {
      return "a label's name is wrong";
    }
    line.remove_prefix(1);
    skip_spaces(line);
    std::string value;
    if (!take_quoted(line, value)) {
      return "a label's value is wrong";
    }
    if (name == "unit") {
      name = "exported_unit";
    }
    if (!labels.emplace(std::move(name), std::move(value)).second) {
      return "a label stands there twice";
    }
    skip_spaces(line);
    if (!line.starts_with(',') && !line.starts_with('}')) {
      return "labels are not separated";
    }
    line.remove_prefix(line.starts_with(',') ? 1 : 0);
  }
  line.remove_prefix(1);
  return {};
}

bool read_value(std::string_view word, double& value) {
  if (word.starts_with('+')) {
    word.remove_prefix(1);
    if (word.starts_with('-')) {
      return false;
    }
  }
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size();
}

// Reads line by line; `wrong` is why it stopped.
class ExpositionReader {
 public:
  Result<std::vector<Told>> read(std::string_view text);

 private:
  void comment(std::string_view line);
  void sample(std::string_view line);
  MetricType type_of(std::string_view name) const;
  bool is_of(std::string_view name, std::string_view ending, std::string_view kinds) const;

  std::map<std::string, std::string, std::less<>> kinds_;  // of families, as the text names them
  std::set<std::string> seen_;
  std::vector<Told> told_;
  std::string_view wrong_;
  bool over_ = false;
};

// Whether it is a part, with that ending, of a family of one of these kinds.
bool ExpositionReader::is_of(std::string_view name,
                             std::string_view ending,
                             std::string_view kinds) const {
  if (!name.ends_with(ending)) {
    return false;
  }
  const auto at = kinds_.find(name.substr(0, name.size() - ending.size()));
  return at != kinds_.end() && kinds.find('|' + at->second + '|') != std::string_view::npos;
}

MetricType ExpositionReader::type_of(std::string_view name) const {
  if (is_of(name, "", "|counter|") || is_of(name, "_total", "|counter|") ||
      is_of(name, "_bucket", "|histogram|") || is_of(name, "_count", "|histogram|summary|") ||
      is_of(name, "_sum", "|histogram|summary|")) {
    return MetricType::counter;
  }
  if (is_of(name, "", "|gauge|summary|stateset|info|") || is_of(name, "_info", "|info|") ||
      is_of(name, "_bucket", "|gaugehistogram|") || is_of(name, "_gcount", "|gaugehistogram|") ||
      is_of(name, "_gsum", "|gaugehistogram|") ||
      is_of(name, "_created", "|counter|histogram|summary|")) {
    return MetricType::gauge;
  }
  return MetricType::untyped;
}

// "# TYPE name kind" and "# EOF" mean something, all other comments are for people.
void ExpositionReader::comment(std::string_view line) {
  line.remove_prefix(1);
  const auto word = next_word(line);
  if (word == "EOF") {
    over_ = true;
  } else if (word == "TYPE") {
    skip_spaces(line);
    const auto name = take_name(line, true);
    auto kind = std::string(next_word(line));
    while (kind.ends_with('\r')) {
      kind.pop_back();
    }
    if (name.empty() || kind.empty()) {
      wrong_ = "a TYPE without name or type";
    } else if (!kinds_.emplace(name, std::move(kind)).second) {
      wrong_ = "a second TYPE of the same name";
    }
  }
}

void ExpositionReader::sample(std::string_view line) {
  const auto name = take_name(line, true);
  std::map<std::string, std::string> labels;
  if (name.empty()) {
    wrong_ = "no name of a metric";
    return;
  }
  skip_spaces(line);
  if (line.starts_with('{')) {
    wrong_ = take_labels(line, labels);
    if (!wrong_.empty()) {
      return;
    }
  }
  line = line.substr(0, line.find('#'));  // an exemplar
  while (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  double value = 0;
  if (!read_value(next_word(line), value)) {
    wrong_ = "a value that is no number";
  } else if (!next_word(line).empty()) {
    wrong_ = "a time, which is not taken";
  } else if (name.starts_with("steward_")) {
    wrong_ = "names that begin with steward_ are the unit's own";
  } else {
    auto key = series_key(name, labels);
    wrong_ = seen_.insert(key).second ? "" : "a series that stands there twice";
    told_.push_back({std::move(key), type_of(name), value});
  }
}

Result<std::vector<Told>> ExpositionReader::read(std::string_view text) {
  if (!text.empty() && text.back() != '\n') {
    return failure(ErrorCode::bad_payload, "the last line has no end: it may be cut");
  }
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = next_line(text);
    skip_spaces(line);
    if (line.empty()) {
      continue;
    }
    if (over_) {
      wrong_ = "something behind EOF";
    } else if (line.starts_with('#')) {
      comment(line);
    } else {
      sample(line);
    }
    if (!wrong_.empty()) {
      return failure(ErrorCode::bad_payload,
                     "line " + std::to_string(number) + ": " + std::string(wrong_));
    }
    if (told_.size() > kMostTold) {
      return failure(ErrorCode::too_large, "more than " + std::to_string(kMostTold) + " series");
    }
  }
  return std::move(told_);
}

}  // namespace

Result<std::vector<Told>> parse_exposition(std::string_view text) {
  return ExpositionReader().read(text);
}

}  // namespace steward::handlers::metrics
