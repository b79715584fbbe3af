#pragma once

#include "subjects/wire/names.hpp"

#include <compare>
#include <string>
#include <string_view>
#include <utility>

namespace steward::identity {

// A lower-case DNS label, by the rule of wire::NodeName, as a type of its own for each use.
template <class Use>
class Label {
 public:
  // Errors: bad_subject.
  [[nodiscard]] static Result<Label> parse(std::string_view text) {
    return wire::NodeName::parse(text).map(
        [](const wire::NodeName& name) { return Label(name.str()); });
  }

  const std::string& str() const { return text_; }

  auto operator<=>(const Label&) const = default;

 private:
  explicit Label(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

// The fleet that keys, messages and certificates are good for: a message for one cluster is none
// for another, even where the nodes' names are the same.
using ClusterName = Label<struct ClusterNameUse>;

// A program of a node that has a certificate of its own: "nginx", "broker".
using DaemonName = Label<struct DaemonNameUse>;

}  // namespace steward::identity
