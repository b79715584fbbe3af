#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::wire {

// The headers of a message in their order, duplicates kept: a duplicate "ce-" header is a reason to
// refuse the message, so nothing may hide it. Names are case-sensitive, as NATS has them.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }

  // The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const {
    for (const auto& [key, value] : fields_) {
      if (key == name) {
        return value;
      }
    }
    return std::nullopt;
  }

  bool empty() const { return fields_.empty(); }

  auto begin() const { return fields_.begin(); }

  auto end() const { return fields_.end(); }

  bool operator==(const Headers&) const = default;

 private:
  std::vector<Field> fields_;
};

}  // namespace steward::wire
