// Several daemons out of one spec.

#include "subjects/wire/daemon.hpp"

#include <charconv>
#include <utility>

namespace steward::wire {
namespace {

void put_number(std::string& text, const std::string& number) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '%' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'i') {
      out += number;
      ++i;
    } else {
      out += text[i];
      i += next == '%' ? 1 : 0;
    }
  }
  text = std::move(out);
}

DaemonSpec replica(DaemonSpec spec, std::int64_t count) {
  const auto number = std::to_string(count);
  spec.name += "@" + number;
  spec.replicas = 1;
  std::vector<std::string*> texts{&spec.unit, &spec.cwd, &spec.ready.address, &spec.ready.url};
  for (auto& argument : spec.argv) {
    texts.push_back(&argument);
  }
  for (auto& [name, value] : spec.env) {
    texts.push_back(&value);
  }
  for (auto& check : spec.health) {
    texts.push_back(&check.address);
    texts.push_back(&check.url);
    for (auto& argument : check.argv) {
      texts.push_back(&argument);
    }
  }
  for (auto* text : texts) {
    put_number(*text, number);
  }
  return spec;
}

}  // namespace

std::string_view daemon_base(std::string_view name) {
  const auto at = name.rfind('@');
  if (at == std::string_view::npos || at + 1 == name.size() || name[at + 1] == '0') {
    return name;
  }
  std::int64_t number = 0;
  const auto* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + at + 1, end, number);
  const bool is_replica =
      read.ec == std::errc() && read.ptr == end && number >= 1 && number <= kMostReplicas;
  return is_replica ? name.substr(0, at) : name;
}

std::vector<DaemonSpec> replicas_of(const DaemonSpec& spec) {
  if (spec.replicas <= 1) {
    return {spec};
  }
  std::vector<DaemonSpec> all;
  for (std::int64_t number = 1; number <= spec.replicas; ++number) {
    all.push_back(replica(spec, number));
  }
  return all;
}

}  // namespace steward::wire
