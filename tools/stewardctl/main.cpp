#include "tools/stewardctl/dispatch.hpp"
#include "tools/stewardctl/interrupts.hpp"

#include <cstdlib>
#include <optional>
#include <string>

int main(int argc, char** argv) {
  const steward::ctl::Interrupts interrupts;
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  const auto exit =
      steward::ctl::dispatch({argv + 1, argv + argc}, steward::ctl::all_verbs(), environment);
  return static_cast<int>(exit);
}
