#include "handlers/runtime/signal_names.hpp"

#include <csignal>
#include <cstring>

namespace steward::runtime {

Result<int> signal_number(const std::string& name) {
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* known = sigabbrev_np(signal);
    if (known != nullptr && name == known) {
      return signal;
    }
  }
  return failure(ErrorCode::unsupported, "no signal is named '" + name + "'");
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? name : std::to_string(signal);
}

}  // namespace steward::runtime
