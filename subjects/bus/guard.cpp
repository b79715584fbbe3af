#include "subjects/bus/guard.hpp"

#include "subjects/identity/message_signature.hpp"
#include "subjects/wire/methods.hpp"

#include <utility>

namespace steward::bus {
namespace {

Result<void> check_signed(const wire::Envelope& envelope) {
  if (envelope.signature.empty() || envelope.key_id.empty()) {
    return failure(ErrorCode::not_signed, "the message is not signed");
  }
  return {};
}

std::string shown_key(const wire::Envelope& envelope) { return envelope.key_id.substr(0, 64); }

}  // namespace

Guard::Guard(identity::ClusterName cluster,
             std::vector<identity::PublicKey> roots,
             std::optional<identity::PrivateKey> own)
    : cluster_(std::move(cluster)), own_(std::move(own)), roots_(std::move(roots)) {
  set_unit_keys({});
}

bool Guard::is_signed(const wire::Envelope& envelope) {
  const auto& subject = envelope.subject;
  return subject.kind == wire::Kind::command || envelope.position ||
         subject.method.str() == "ack" || subject.method.str() == "received" ||
         subject.method.str() + "." + subject.domain.str() == wire::kEnrollRenewRoute;
}

void Guard::sign(wire::Envelope& envelope, std::string_view payload) const {
  if (own_ && is_signed(envelope)) {
    if (auto done = identity::sign_message(envelope, payload, cluster_, *own_); !done) {
      envelope.signature.clear();
    }
  }
}

Result<void> Guard::verify(const wire::Envelope& envelope,
                           std::string_view payload,
                           const identity::PublicKey& key) const {
  return identity::verify_message(envelope, payload, cluster_, key);
}

Result<void> Guard::allows(const wire::NodeName& unit,
                           const wire::Envelope& command,
                           std::string_view payload,
                           wire::Timestamp now) const {
  auto verdict = judge_command(unit, command, payload, now);
  if (witness_) {
    witness_(command, payload, verdict);
  }
  return verdict;
}

// Cheap checks first: a signature is judged only where its key is one that is known and not denied.
Result<void> Guard::judge_command(const wire::NodeName& unit,
                                  const wire::Envelope& command,
                                  std::string_view payload,
                                  wire::Timestamp now) const {
  if (auto there = check_signed(command); !there) {
    return there;
  }
  const auto policy = this->policy();
  if (!policy) {
    return failure(ErrorCode::denied, unit.str() + " has no policy: it carries out nothing");
  }
  if (policy->denied_keys().contains(command.key_id)) {
    return failure(ErrorCode::denied, "the key " + command.key_id + " is on the deny list");
  }
  const auto* const signer = policy->find_signer(command.key_id);
  if (signer == nullptr) {
    return failure(ErrorCode::unknown_signer, "the policy knows no key " + shown_key(command));
  }
  if (auto holds = verify(command, payload, signer->key); !holds) {
    return holds;
  }
  const auto verdict = policy->evaluate({command, payload, unit, now});
  if (!verdict.allowed) {
    return failure(ErrorCode::denied, verdict.reason);
  }
  return {};
}

Result<void> Guard::believes(const wire::Envelope& event,
                             std::string_view payload,
                             wire::Timestamp now) const {
  if (!is_signed(event)) {
    return {};
  }
  if (auto there = check_signed(event); !there) {
    return there;
  }
  const auto& node = event.subject.node;
  if (!node || event.source != wire::Source::node(*node)) {
    return failure(ErrorCode::denied, event.source.str() + " speaks for another node");
  }
  const auto policy = this->policy();
  if (policy && policy->denied_keys().contains(event.key_id)) {
    return failure(ErrorCode::denied, "the key " + event.key_id + " is on the deny list");
  }
  std::shared_ptr<const UnitKeys> units;
  {
    const Lock lock(mutex_);
    units = units_;
  }
  if (const auto unit = units->find(node->str()); unit != units->end()) {
    return verify(event, payload, unit->second);
  }
  const auto* const signer = policy ? policy->find_signer(event.key_id) : nullptr;
  if (signer == nullptr) {
    return failure(ErrorCode::unknown_signer,
                   "no key " + shown_key(event) + " is known of " + node->str());
  }
  if (signer->source != event.source || (signer->expires && now >= *signer->expires)) {
    return failure(ErrorCode::denied,
                   "the key is that of " + signer->source.str() + ", or not good any more");
  }
  return verify(event, payload, signer->key);
}

Result<identity::Policy> Guard::judge(std::string_view document, wire::Timestamp now) const {
  const auto present = policy();
  return identity::accept_policy(document, roots(), cluster_, present.get(), now);
}

Result<identity::Policy> Guard::judge_kept(std::string_view document) const {
  return identity::open_policy(document, roots(), cluster_);
}

void Guard::set_policy(identity::Policy policy, std::string document) {
  auto believed = policy.believed_roots();
  auto shared = std::make_shared<const InForce>(InForce{std::move(policy), std::move(document)});
  const Lock lock(mutex_);
  in_force_ = std::move(shared);
  if (!believed.empty()) {
    roots_ = std::move(believed);
  }
}

void Guard::add_overlap(const identity::Policy& policy, std::string document) {
  auto believed = policy.believed_roots();
  auto shared = std::make_shared<const std::string>(std::move(document));
  const Lock lock(mutex_);
  overlaps_.insert_or_assign(static_cast<std::int64_t>(policy.version()), std::move(shared));
  if (!in_force_ && !believed.empty()) {
    roots_ = std::move(believed);
  }
}

std::vector<identity::PublicKey> Guard::roots() const {
  const Lock lock(mutex_);
  return roots_;
}

Guard::Step Guard::step_after(std::int64_t version) const {
  const Lock lock(mutex_);
  if (!in_force_) {
    return {};
  }
  const auto last = static_cast<std::int64_t>(in_force_->policy.version());
  if (last <= version) {
    return {last, nullptr};
  }
  const auto overlap = overlaps_.upper_bound(version);
  if (overlap != overlaps_.end() && overlap->first < last) {
    return {overlap->first, overlap->second};
  }
  return {last, {in_force_, &in_force_->document}};
}

void Guard::set_unit_keys(UnitKeys keys) {
  auto shared = std::make_shared<const UnitKeys>(std::move(keys));
  const Lock lock(mutex_);
  units_ = std::move(shared);
}

std::shared_ptr<const Guard::InForce> Guard::in_force() const {
  const Lock lock(mutex_);
  return in_force_;
}

std::shared_ptr<const identity::Policy> Guard::policy() const {
  auto held = in_force();
  const auto* const policy = held ? &held->policy : nullptr;
  return {std::move(held), policy};
}

std::shared_ptr<const std::string> Guard::document() const {
  auto held = in_force();
  const auto* const document = held ? &held->document : nullptr;
  return {std::move(held), document};
}

}  // namespace steward::bus
