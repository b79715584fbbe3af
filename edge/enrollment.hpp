#pragma once

#include "subjects/identity/certificate.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

// How this unit joins a cluster, by files: `steward-edge init` makes keys, edge.toml and a request;
// `steward-edge enroll` takes the bundle that answers it; `steward-edge join` (join.hpp) does both
// over the bus. Keys never leave the folder.
namespace steward::edge {

// Who has signed the broker's certificate, in the folder of a unit that was told.
inline constexpr const char* kBrokerCa = "broker-ca.pem";

// What a unit is told before it asks to be let in.
struct JoinPlan {
  std::filesystem::path folder;  // of its keys and configuration
  std::string cluster;
  std::string name;
  std::string root;  // public key that signs policies and bundles: whom it will believe
  std::vector<std::string> brokers;
  std::optional<std::string> tls_ca;  // by TLS, with a certificate of our own; who has signed the
                                      // broker's, as PEM; empty: somebody the system knows
};

struct Request {
  std::filesystem::path file;  // to be carried to whoever has the cluster's root
  std::string fingerprint;     // to be compared there
  std::string document;        // what is in that file
};

// No file is replaced: begun again, it goes on where it was interrupted, and gives the same
// request. Errors: bad_config (a name, a key), conflict (the folder is that of another unit or
// cluster), those of files and keys.
[[nodiscard]] Result<Request> begin_enrollment(const JoinPlan& plan, wire::Timestamp now);

// Takes a bundle: certificates, policy, login, in that order, each whole. Again: the same. Errors:
// not_found (no keys were made here), denied (for another unit, or older than the one taken), those
// of identity::open_enrollment_bundle(), files and keys.
[[nodiscard]] Result<void> finish_enrollment(const std::filesystem::path& folder,
                                             const std::filesystem::path& bundle,
                                             wire::Timestamp now);

// The same with a bundle that came by another way.
[[nodiscard]] Result<void> take_bundle(const std::filesystem::path& folder,
                                       const std::string& document,
                                       wire::Timestamp now);

// Whether a bundle was taken there, whole.
bool is_enrolled(const std::filesystem::path& folder);

// Who the unit of that folder is, by its edge.toml. Errors: bad_config, not_found.
[[nodiscard]] Result<identity::NodeIdentity> identity_in(const std::filesystem::path& folder);

// The certificates of the roots that the unit believes, as PEM: those that its policy names, else
// the one that it was let in by. Errors: as identity_in(); those of files.
[[nodiscard]] Result<std::string> roots_in(const std::filesystem::path& folder);

}  // namespace steward::edge
