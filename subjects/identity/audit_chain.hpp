#pragma once

#include "subjects/identity/key.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Records of who asked what, the verdict and the outcome, each tied to all before it by a hash: one
// that is altered, left out or put in shows. Now and then a seal, which is signed, ties the chain
// to the key of whoever keeps it. A line is "<hash> <JSON>\n"; the README of this room has the
// form.
namespace steward::identity {

inline constexpr std::size_t kLongestAuditLine = 4 * 1024;

// What happened. Empty texts are left out. No payload is in it: it may hold secrets.
struct AuditRecord {
  wire::Timestamp at;
  std::string kind;     // "asked", "ended", "begun", "lost", "seal"
  std::string id;       // of the command
  std::string by;       // who has signed it, or says so
  std::string key;      // by the key of that id
  std::string subject;  // what was asked
  std::string unit;     // a station's: who has done it
  std::string verdict;  // "allowed", a state, or an error's word
  std::string summary;  // for people, without secrets
  std::string digest;   // SHA-256 of the payload; of a seal: the signature

  bool operator==(const AuditRecord&) const = default;
};

// Where a chain stands.
struct AuditEnd {
  std::uint64_t number = 0;  // of the last record
  std::string hash;          // of its line; empty before the first one
  std::uint64_t sealed = 0;  // up to there it is signed
};

// Makes the next line, and moves the end on.
std::string next_audit_line(AuditEnd& end, const AuditRecord& record);

// The bytes that a seal signs, under Purpose::journal.
std::string sealed_bytes(const AuditEnd& end);

// Reads a chain line by line, and says where it does not hold.
class AuditReader {
 public:
  // `key`: whose seals have to hold; without one they are only counted.
  explicit AuditReader(std::optional<PublicKey> key = std::nullopt) : key_(std::move(key)) {}

  // The next line, without its end. The first one of a file whose older ones are gone is taken as
  // it is. Errors: bad_payload (not such a line), conflict (a record before it is missing or
  // altered, or it is itself), bad_signature (a seal).
  [[nodiscard]] Result<AuditRecord> take(std::string_view line);

  const AuditEnd& end() const { return end_; }

  std::uint64_t first() const { return first_; }

 private:
  std::optional<PublicKey> key_;
  AuditEnd end_;
  std::uint64_t first_ = 0;
};

}  // namespace steward::identity
