#pragma once

#include "subjects/bus/mutex.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/identity/label.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/wire/envelope.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::bus {

// What a channel signs with, and whom it believes: the one place where messages are signed and
// signatures are judged. A channel without one takes and makes unsigned messages. Any thread.
class Guard {
 public:
  using UnitKeys = std::map<std::string, identity::PublicKey>;  // by the unit's name

  // `roots` sign policies, until one is in force: then those that it names; `own` signs what goes
  // out (none: it goes out as it is).
  Guard(identity::ClusterName cluster,
        std::vector<identity::PublicKey> roots,
        std::optional<identity::PrivateKey> own);

  // Commands, recorded events, ACKs, the station's acknowledgements and a unit's wish for another
  // login are signed; hello, output and the like are not: nobody acts by them.
  static bool is_signed(const wire::Envelope& envelope);

  // Puts key and signature into an envelope of a message that is to be signed. One that cannot be
  // signed goes out unsigned, and is refused.
  void sign(wire::Envelope& envelope, std::string_view payload) const;

  // Whether that unit may carry out this command now: signed, by a key that the policy knows, for
  // this very message, and allowed by a rule. Without a policy nothing is. Errors: not_signed,
  // unknown_signer, bad_signature, denied.
  [[nodiscard]] Result<void> allows(const wire::NodeName& unit,
                                    const wire::Envelope& command,
                                    std::string_view payload,
                                    wire::Timestamp now) const;

  // Whether the node that an event is of has said it: a unit by its key, a station by the policy's.
  // Events that need no signature pass. Errors: not_signed, unknown_signer, bad_signature, denied
  // (another node's key, or a key that is good for nothing any more).
  [[nodiscard]] Result<void> believes(const wire::Envelope& event,
                                      std::string_view payload,
                                      wire::Timestamp now) const;

  // Hears each verdict of allows(), on its caller's thread. Before anybody asks.
  using Witness = std::function<void(
      const wire::Envelope& command, std::string_view payload, const Result<void>& verdict)>;

  void set_witness(Witness witness) { witness_ = std::move(witness); }

  // What signs; null where nothing does.
  const identity::PrivateKey* own() const { return own_ ? &*own_ : nullptr; }

  // Judges a signed policy without putting it in force: for whoever keeps it on disk first. Errors:
  // accept_policy()'s.
  [[nodiscard]] Result<identity::Policy> judge(std::string_view document,
                                               wire::Timestamp now) const;

  // One that was judged before and kept: it may have expired since. Errors: bad_payload,
  // unsupported, bad_signature, denied (of another cluster).
  [[nodiscard]] Result<identity::Policy> judge_kept(std::string_view document) const;

  // Puts a judged policy in force; `document` is it as it was signed. The roots that it names are
  // the ones that are believed from now on.
  void set_policy(identity::Policy policy, std::string document);

  // Remembers an overlap, the last policy of a root before the one that it names took over: for
  // those who know only the former. Its roots are believed until a policy is in force.
  void add_overlap(const identity::Policy& policy, std::string document);

  // Whose policies, bundles and certificates are good; the one that has signed the policy in force
  // is the first.
  std::vector<identity::PublicKey> roots() const;
  void set_unit_keys(UnitKeys keys);

  // Null before there is one.
  std::shared_ptr<const identity::Policy> policy() const;

  // The same as it was signed, to hand on. Null before there is one.
  std::shared_ptr<const std::string> document() const;

  // What to give to somebody who has that version: the policy in force, or an overlap that has to
  // go before it. `document` is null where there is nothing newer.
  struct Step {
    std::int64_t version = 0;
    std::shared_ptr<const std::string> document;
  };

  Step step_after(std::int64_t version) const;

 private:
  Result<void> verify(const wire::Envelope& envelope,
                      std::string_view payload,
                      const identity::PublicKey& key) const;

  Result<void> judge_command(const wire::NodeName& unit,
                             const wire::Envelope& command,
                             std::string_view payload,
                             wire::Timestamp now) const;

  struct InForce {
    identity::Policy policy;
    std::string document;
  };

  std::shared_ptr<const InForce> in_force() const;

  const identity::ClusterName cluster_;
  const std::optional<identity::PrivateKey> own_;
  Witness witness_;  // constant once anybody asks
  mutable Mutex mutex_;
  std::vector<identity::PublicKey> roots_ STEWARD_GUARDED_BY(mutex_);
  std::map<std::int64_t, std::shared_ptr<const std::string>> overlaps_ STEWARD_GUARDED_BY(mutex_);
  std::shared_ptr<const InForce> in_force_ STEWARD_GUARDED_BY(mutex_);
  std::shared_ptr<const UnitKeys> units_ STEWARD_GUARDED_BY(mutex_);
};

}  // namespace steward::bus
