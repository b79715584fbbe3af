#include "handlers/osupdate/plan_parts.hpp"

#include "handlers/runtime/digest.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace steward::handlers::osupdate {

std::string hash_of(const wire::UpdatePlan& plan) {
  std::set<std::string> lines;
  for (const auto& package : plan.packages) {
    lines.insert(package.name + " " + package.from + " " + package.to);
  }
  for (const auto& name : plan.removed) {
    lines.insert("- " + name);
  }
  runtime::Digest digest;
  for (const auto& line : lines) {
    digest.update(line + "\n");
  }
  return digest.hex();
}

void settle_removals(wire::UpdatePlan& plan) {
  for (const auto& package : plan.packages) {
    std::erase(plan.removed, package.name);
  }
}

std::vector<std::string> held_in(const SystemState& state) {
  std::vector<std::string> names;
  for (const auto& [name, package] : state.packages) {
    if (package.held) {
      names.push_back(name);
    }
  }
  return names;
}

void name_archives(wire::UpdatePlan& plan, const Ask& ask) {
  for (auto& package : plan.packages) {
    const auto exact = std::find_if(ask.exact.begin(), ask.exact.end(), [&](const auto& one) {
      return one.name == package.name && one.origin.starts_with('/');
    });
    if (exact != ask.exact.end()) {
      package.origin = exact->origin;
    }
  }
}

std::string_view take_text_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::vector<std::string_view> words_in(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<std::string_view> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    if (line.empty()) {
      return words;
    }
    words.push_back(line.substr(0, line.find_first_of(kBlanks)));
    line.remove_prefix(words.back().size());
  }
}

void append_words(CommandLine& words, const CommandLine& more) {
  words.insert(words.end(), more.begin(), more.end());
}

bool says_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&text](const char* word) {
    return text.find(word) != std::string::npos;
  });
}

void put_in(std::string& script, const std::string& mark, const std::string& text) {
  script.replace(script.find(mark), mark.size(), text);
}

std::int64_t count_in(std::string_view digits) {
  std::int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return std::max<std::int64_t>(number, 0);
}

}  // namespace steward::handlers::osupdate
