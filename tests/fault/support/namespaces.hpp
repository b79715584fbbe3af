#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

namespace steward::tests {

// Rights of this process over namespaces of its own, for what only the kernel can do to a program.
// Nothing of them is left behind: they end with the test.

// A network of the test's own, and a second one for units, with a cable between them. The test and
// what it starts live in the first.
class Cable {
 public:
  // False where this machine does not permit it: said loudly; the caller returns. A failed test
  // where only `ip` is missing and the environment says CI. To be called before anything has a
  // thread or a socket.
  static bool available();

  Cable();
  ~Cable();
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;

  // The units' network (a file of /proc), and the broker's address in it.
  std::string unit_network() const;

  static std::string broker_host() { return "10.91.0.1"; }

  enum class Way { both, to_units, from_units };

  // Nothing passes that way any more, and nobody is told: as behind a dead radio.
  void cut(Way way);
  void mend();

  // The plug is out: both ends see that there is no carrier.
  void unplug();
  void plug();

 private:
  void run(const std::string& where, const std::string& words) const;

  pid_t holder_ = -1;  // of the units' network
};

// A disk of that size, mounted on a folder, seen by this process and those that it starts.
class SmallDisk {
 public:
  // As Cable's.
  static bool available();

  SmallDisk(std::filesystem::path folder, std::size_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  // Takes all the space that is left; gives it back. How much it took.
  std::size_t fill() const;
  void free() const;

 private:
  const std::filesystem::path folder_;
};

}  // namespace steward::tests
