#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "subjects/bus/guard.hpp"
#include "subjects/bus/trust_files.hpp"

#include <memory>
#include <string>

namespace steward::runtime {

// What a unit or a station signs with and whom it believes, as the files of its configuration say
// and as policies come over the bus. On the main loop's thread, but for the guard.
class Trust {
 public:
  // Puts in force what was kept, looks at the files at once and then every second. Loop and clock
  // outlive it.
  Trust(const bus::TrustFiles& files,
        std::unique_ptr<bus::Guard> guard,
        Loop& loop,
        const Clock& clock,
        const Logger& log);

  const bus::Guard& guard() const { return *guard_; }

  // Takes a signed policy. Errors: bus::TrustWatch::take()'s.
  [[nodiscard]] Result<void> take(const std::string& document);

 private:
  const Clock& clock_;
  const std::unique_ptr<bus::Guard> guard_;
  bus::TrustWatch watch_;
  Timer timer_;
};

}  // namespace steward::runtime
