#pragma once

#include "subjects/bus/guard.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::bus {

// Where the trust of an agent or a station lies: its [trust] section.
struct TrustFiles {
  std::string cluster;
  std::vector<std::string> roots;  // public keys that sign policies, as PublicKey::text()
  std::filesystem::path key;       // our own, made where there is none; <key>.pub beside it
  std::filesystem::path policy;    // as the operators bring it; may come later
  std::filesystem::path kept;      // the last one taken: the highest version this machine has seen;
                                   // beside it, in "overlaps", what led from root to root
  std::filesystem::path units;     // a folder of <unit>.pub; empty: events of units are not heard
};

// A guard of those keys, without a policy yet. Errors: bad_config, those of key files.
[[nodiscard]] Result<std::unique_ptr<Guard>> open_guard(const TrustFiles& files);

// Whose word is good by those files, as a guard of them would have it, and the certificates of
// those that the policy in force names. Writes nothing. Errors: bad_config.
struct BelievedRoots {
  std::vector<identity::PublicKey> keys;
  std::vector<identity::Certificate> certificates;
};

[[nodiscard]] Result<BelievedRoots> read_roots(const TrustFiles& files);

// What those files say, and what of it is wrong; none of them is written.
struct TrustReport {
  std::vector<std::string> wrong;  // a sentence each, with the key or file
  std::string summary;             // "cluster demo, policy version 7 until 2027-01-01T00:00:00Z"
};

TrustReport inspect(const TrustFiles& files, wire::Timestamp now);

// Keeps a guard's policy and keys of units as the files say. Beside the file of the policy there
// may be "overlap.signed", which goes first: it says who has signed the other. One thread. A policy
// is kept on disk before it is in force, so a restart falls back to no older one.
class TrustWatch {
 public:
  struct Say {
    std::function<void(const std::string&)> info;
    std::function<void(const std::string&)> error;
  };

  // Puts what was kept in force. The guard outlives it.
  TrustWatch(TrustFiles files, Guard& guard, Say say);

  // Looks whether the files have changed, and says what came of it.
  void look(wire::Timestamp now);

  // Takes a signed policy that came by any way: judged, kept, then in force. The one that is in
  // force is taken as well, and changes nothing. Errors: Guard::judge()'s,
  // identity::write_file()'s.
  [[nodiscard]] Result<void> take(const std::string& document, wire::Timestamp now);

 private:
  // How a file looked: another one has another.
  struct Look {
    std::filesystem::file_time_type changed;
    std::uintmax_t bytes = 0;

    bool operator==(const Look&) const = default;
  };

  static std::optional<Look> look_at(const std::filesystem::path& path);
  void restore();
  void take_policy(wire::Timestamp now);
  Result<void> keep_overlap(const identity::Policy& next);
  void take_units();

  const TrustFiles files_;
  Guard& guard_;
  const Say say_;
  std::optional<Look> policy_;
  std::optional<Look> units_;
};

}  // namespace steward::bus
