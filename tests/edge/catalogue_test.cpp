#include "handlers/catalogue.hpp"

#include "subjects/wire/methods.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace steward::handlers::catalogue_test {
namespace {

bool is_recorded(std::string_view method) {
  return std::find(wire::kRecordedCommands.begin(), wire::kRecordedCommands.end(), method) !=
         wire::kRecordedCommands.end();
}

// The station keeps and sends again what is in this list, and nothing else.
TEST_CASE("catalogue: commands that are ACKed are the recorded ones of the contract") {
  for (const auto& kind : catalogue()) {
    INFO(std::string(kind.method));
    CHECK(kind.acked == is_recorded(kind.method));
  }
  for (const auto method : wire::kRecordedCommands) {
    INFO(std::string(method));
    CHECK(std::any_of(catalogue().begin(), catalogue().end(), [method](const auto& kind) {
      return kind.method == method;
    }));
  }
}

}  // namespace
}  // namespace steward::handlers::catalogue_test
