#include "tests/fuzz/log_checks.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

// STEWARD_FUZZ_CHECK is the name of the check that this program feeds, set by CMakeLists.txt.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const steward::fuzz::Check& check = steward::fuzz::log_check(STEWARD_FUZZ_CHECK);
  if (!check.holds({reinterpret_cast<const char*>(bytes), size})) {
    std::abort();
  }
  return 0;
}
