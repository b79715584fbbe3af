#pragma once

#include "subjects/identity/certificate.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/identity/label.hpp"
#include "subjects/identity/policy_arguments.hpp"
#include "subjects/wire/envelope.hpp"
#include "subjects/wire/target.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Who may do what where. One file for the whole cluster, made on the offline machine, signed by the
// root's key and kept by each unit; the README of this room has its form. What no rule allows is
// denied.
namespace steward::identity {

inline constexpr std::size_t kLargestPolicy = 512 * 1024;
inline constexpr std::size_t kMostRoots = 4;  // that one policy names

// Somebody who signs commands: a person, or a station.
struct Signer {
  wire::Source
      source;  // "/operator/anna", "/station": nobody else may use that key, nor it another name
  PublicKey key;
  std::string key_id;
  std::vector<std::string> roles;
  std::optional<wire::Timestamp> expires;
};

struct Rule {
  std::string id;  // for people: a verdict names it
  std::string role;
  std::vector<wire::Target> nodes;  // groups are spelled out
  std::string method;               // "*": any
  std::string domain;               // "*": any
  std::optional<ArgumentRule> arguments;
  std::optional<std::chrono::milliseconds> longest_life;  // of a command: ce-expires less ce-time
};

// What is asked: a command whose signature holds, at the unit of that name. Asked when it arrives
// and again when it starts.
struct Question {
  const wire::Envelope& command;
  std::string_view payload;
  const wire::NodeName& unit;
  wire::Timestamp now;
};

struct Verdict {
  bool allowed = false;
  std::string rule;    // that allowed it; or the one that came nearest; may be empty
  std::string reason;  // a sentence for people
};

class Policy {
 public:
  // Reads the body of a policy. A field that is not known here is refused: it may forbid something.
  // Errors: bad_payload, unsupported.
  [[nodiscard]] static Result<Policy> parse(std::string_view body);

  const ClusterName& cluster() const { return cluster_; }

  std::uint64_t version() const { return version_; }

  wire::Timestamp issued() const { return issued_; }

  wire::Timestamp expires() const { return expires_; }

  const std::vector<Signer>& signers() const { return signers_; }

  const std::vector<Rule>& rules() const { return rules_; }

  const std::set<std::string>& denied_keys() const { return denied_; }

  // The certificates of the roots that are believed while it is in force; none: its signer's alone,
  // which it need not name.
  const std::vector<Certificate>& roots() const { return roots_; }

  // The root that has signed it; none unless open_policy() has read it.
  const std::optional<PublicKey>& signed_by() const { return signed_by_; }

  // Its signer, and then the other roots that it names: whose policies, bundles and certificates
  // are good while it is in force. Empty as signed_by() is.
  std::vector<PublicKey> believed_roots() const;

  // Whether it names a root besides its signer: while one follows the other.
  bool is_overlap() const { return believed_roots().size() > 1; }

  const std::string& digest() const { return digest_; }  // SHA-256 of the body, hexadecimal

  // The signer of that key id, null where there is none.
  const Signer* find_signer(std::string_view key_id) const;

  Verdict evaluate(const Question& question) const;

 private:
  friend class PolicyReader;
  friend Result<Policy> open_policy(std::string_view document,
                                    const std::vector<PublicKey>& roots,
                                    const ClusterName& cluster);
  Policy(ClusterName cluster, wire::Timestamp issued, wire::Timestamp expires);

  ClusterName cluster_;
  std::uint64_t version_ = 0;
  wire::Timestamp issued_;
  wire::Timestamp expires_;
  std::vector<Signer> signers_;
  std::vector<Rule> rules_;
  std::set<std::string> denied_;
  std::set<std::string> after_expiry_;  // methods that stay allowed then
  std::vector<Certificate> roots_;
  std::optional<PublicKey> signed_by_;
  std::string digest_;
};

// A policy of that cluster that one of these roots has signed, of whatever version and age. Errors:
// bad_payload, unsupported, bad_signature, denied (of another cluster).
[[nodiscard]] Result<Policy> open_policy(std::string_view document,
                                         const std::vector<PublicKey>& roots,
                                         const ClusterName& cluster);

// Takes a signed policy in place of the present one (null: the first). The same version with the
// same body is taken as well; so is an overlap that has expired: it allows no more than any other
// that has, and says who signs the next one. Errors: bad_payload, unsupported, bad_signature (not
// by one of these roots), expired, denied (of another cluster, or older than the present one),
// conflict (another body under the same version).
[[nodiscard]] Result<Policy> accept_policy(std::string_view document,
                                           const std::vector<PublicKey>& roots,
                                           const ClusterName& cluster,
                                           const Policy* present,
                                           wire::Timestamp now);

}  // namespace steward::identity
