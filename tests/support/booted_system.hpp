#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace steward::tests {

// A real systemd as PID 1, with D-Bus and its journal, in namespaces of its own (boot_systemd.sh).
// It sees this machine's files, and none of its units is started. Ends with this object.
class BootedSystem {
 public:
  // Waits until D-Bus answers. Null where this process may not make namespaces: said loudly, and
  // the caller returns.
  static std::unique_ptr<BootedSystem> start();

  ~BootedSystem();
  BootedSystem(const BootedSystem&) = delete;
  BootedSystem& operator=(const BootedSystem&) = delete;

  struct Ran {
    int status = -1;  // exit status
    std::string out;  // of both streams
  };

  // Runs a program in it, to its end.
  Ran run(const std::vector<std::string>& argv) const;

  // What `systemctl show` says of one property.
  std::string property(const std::string& unit, const std::string& name) const;

  // A file of /etc/systemd/system; systemd is told.
  void add_unit(const std::string& name, const std::string& text) const;

  // "unix:path=...", from outside.
  std::string bus() const;

  // The folder of its journal's files, from outside.
  std::filesystem::path journal() const;

  // A folder that is the same inside and outside.
  const std::filesystem::path& shared() const { return folder_; }

  // The PID 1, as seen from outside.
  pid_t first() const { return first_; }

 private:
  BootedSystem(std::filesystem::path folder, pid_t shell);
  std::filesystem::path root() const;

  const std::filesystem::path folder_;
  const pid_t shell_;
  pid_t first_ = 0;
};

}  // namespace steward::tests
