#pragma once

#include "subjects/identity/enrollment.hpp"
#include "subjects/identity/label.hpp"
#include "subjects/wire/enrollment.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

// Units that ask over the bus to be let in, and what was decided: in files, so that a restart loses
// none. The station decides nothing: it keeps requests for a person to look at, and hands on
// bundles that the cluster's root has signed. Time is passed in. One thread.
class Enrollments {
 public:
  static constexpr std::size_t kMost = 1'000;
  static constexpr std::chrono::seconds kAgain{1};  // at most so often another request for a name
  static constexpr std::chrono::hours kKeepAsked{24 * 30};
  static constexpr std::chrono::hours kKeepDecided{24 * 7};

  struct Settings {
    std::filesystem::path folder;
    std::filesystem::path units;  // what is known of units, see identity::remember_unit()
    identity::ClusterName cluster;
    // Whose bundles are taken; those of the first are the ones to be given out.
    std::function<std::vector<identity::PublicKey>()> roots;
  };

  // What a unit is told: its status, or the bundle that lets it in.
  struct Answer {
    wire::EnrollmentStatus status;
    std::string bundle;  // empty unless approved
  };

  // Reads what an earlier run has left; a file that is none of ours is left out. Errors: those of
  // files.
  [[nodiscard]] static Result<Enrollments> open(Settings settings);

  // A unit asks, again and again until it is told. What a root has approved that another one has
  // followed since is asked anew. A name belongs to the key that came first: a
  // request with another one is a conflict, which takes nobody's place. `denied`: keys that are
  // good for nothing any more. Errors: those of identity::open_enrollment_request(), denied (for
  // another node or cluster, or revoked), overloaded (too many wait), those of files.
  [[nodiscard]] Result<Answer> ask(const wire::NodeName& unit,
                                   std::string_view document,
                                   const std::set<std::string>& denied,
                                   wire::Timestamp now);

  struct LetIn {
    wire::NodeName unit;
    std::string bundle;
  };

  // Takes a bundle of a root, by whomever it was brought: the unit's keys are known from now on.
  // Again: the same. Errors: those of identity::read_enrollment_bundle(), not_found (nobody with
  // those keys has asked), denied (of another cluster, or older than the one taken), conflict (that
  // name has another key), those of files.
  [[nodiscard]] Result<LetIn> approve(const std::string& document, wire::Timestamp now);

  // Somebody who may has said no. A conflict is forgotten. Errors: not_found, conflict (it was let
  // in already), those of files.
  [[nodiscard]] Result<Answer> reject(const wire::EnrollmentRejection& rejection,
                                      const std::string& by,
                                      wire::Timestamp now);

  // By name. With the document where one unit is asked for.
  std::vector<wire::EnrollmentRow> rows(const std::vector<std::string>& units) const;

  // Forgets what is old.
  void tidy(wire::Timestamp now);

 private:
  struct Entry {
    wire::EnrollmentRow row;  // with its request
    std::string key_id;       // of the unit's message key
    wire::Timestamp issued;   // of the bundle, once approved
  };

  explicit Enrollments(Settings settings) : settings_(std::move(settings)) {}

  std::filesystem::path file_of(const std::string& unit, const char* extension) const;
  Result<void> read(const std::filesystem::path& file);
  Result<void> keep(Entry entry);
  void forget(const std::string& unit);
  bool is_taken(const Entry& entry) const;
  Result<Answer> answer(const Entry& entry) const;
  bool is_outdated(const Entry& entry) const;
  Result<Entry> read_request(const wire::NodeName& unit,
                             std::string_view document,
                             const std::set<std::string>& denied,
                             wire::Timestamp now) const;
  Result<Answer> take_conflict(Entry entry);
  bool is_too_soon(const std::string& unit, wire::Timestamp now);

  Settings settings_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, wire::Timestamp> looked_at_;  // when another request was
};

}  // namespace steward::station
