#pragma once

#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>

namespace steward::identity {

// What a payload may say, field by field:
//
//   {"argv": [["uname", "..."], ["systemctl", "restart", "ngin*"]], "timeout_ms": [null, {"from":
//   1, "to": 60000}]}
//
// Each field has a list of values that are good. A field of the payload that is not named is
// refused, and so is one that is named and missing, unless null stands in its list. In texts "*"
// stands for any run of characters and "?" for one; a list is compared item by item, and "..." as
// its last item stands for any number more;
// {"from": a, "to": b} is a whole number between them, {"any": true} any value at all.
class ArgumentRule {
 public:
  // Errors: bad_payload, unsupported.
  [[nodiscard]] static Result<ArgumentRule> parse(std::string_view json);

  // Why the payload does not fit, empty where it does.
  std::string complaint(std::string_view payload) const;

 private:
  explicit ArgumentRule(std::string json) : json_(std::move(json)) {}

  std::string json_;  // checked
};

}  // namespace steward::identity
