#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::metrics {

// What statfs says of a mounted file system, in blocks of `block_bytes`.
struct MountFigures {
  std::int64_t block_bytes = 0;
  std::int64_t blocks = 0;
  std::int64_t free = 0;
  std::int64_t available = 0;
  std::int64_t files = 0;
  std::int64_t files_free = 0;
  bool read_only = false;  // as it was mounted, or since an error
};

// Asks mounted file systems how full they are. One that does not answer (a dead server, a stopped
// FUSE program) would hang its asker for ever, so the questions are asked on a thread: the asker of
// a hung mount is left to wait with it, and the others get a new one.
class MountProbe {
 public:
  // How the call is made; tests have one that hangs. Called on threads that may outlive this probe.
  using Ask = bool (*)(const std::string& mountpoint, MountFigures& figures);

  explicit MountProbe(std::chrono::milliseconds patience, Ask ask = ask_kernel);
  ~MountProbe();
  MountProbe(const MountProbe&) = delete;
  MountProbe& operator=(const MountProbe&) = delete;

  // One answer for each mount point; none where statfs fails or hangs. Waits at most twice
  // `patience`, and that only when a mount hangs that has not hung before: a hung one is not asked
  // again until its old question is answered. At most 16 hang at a time, the rest are not asked
  // while so many do.
  std::vector<std::optional<MountFigures>> ask(const std::vector<std::string>& mountpoints);

  // The mount points that hang.
  std::vector<std::string> hung() const;

  static bool ask_kernel(const std::string& mountpoint, MountFigures& figures);

 private:
  class Asker;

  // One that is left behind, and where.
  struct Hung {
    std::string mountpoint;
    std::shared_ptr<Asker> asker;
  };

  bool have_asker();
  bool is_hung(const std::string& mountpoint) const;

  const std::chrono::milliseconds patience_;
  const Ask ask_;
  std::vector<Hung> hung_;
  std::shared_ptr<Asker> asker_;  // the one that answers; kept from round to round
};

}  // namespace steward::handlers::metrics
