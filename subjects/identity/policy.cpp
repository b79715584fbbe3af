#include "subjects/identity/policy.hpp"

#include <algorithm>

namespace steward::identity {
namespace {

Verdict denied(std::string reason) { return {false, "", std::move(reason)}; }

bool holds(const std::string& pattern, const wire::Token& token) {
  return pattern == "*" || pattern == token.str();
}

// How far a command came with a rule; the one that it came farthest with explains the refusal best.
struct Trial {
  int passed = 0;
  std::string complaint;  // empty: the rule allows it
};

Trial try_rule(const Rule& rule, const Signer& signer, const Question& question) {
  const auto& command = question.command;
  if (std::find(signer.roles.begin(), signer.roles.end(), rule.role) == signer.roles.end()) {
    return {0, "it is for the role " + rule.role};
  }
  if (!holds(rule.method, command.subject.method)) {
    return {1, "it is for the method " + rule.method};
  }
  if (!holds(rule.domain, command.subject.domain)) {
    return {2, "it is for the domain " + rule.domain};
  }
  const bool meant =
      std::any_of(rule.nodes.begin(), rule.nodes.end(), [&](const wire::Target& target) {
        return target.matches(question.unit.str());
      });
  if (!meant) {
    return {3, "it does not name " + question.unit.str()};
  }
  // From now on too: a command dated into the future would live longer than it says.
  if (rule.longest_life &&
      (!command.expires ||
       *command.expires - std::min(command.time, question.now) > *rule.longest_life)) {
    return {
        4,
        "the command may wait longer than " + std::to_string(rule.longest_life->count()) + " ms"};
  }
  if (rule.arguments) {
    return {5, rule.arguments->complaint(question.payload)};
  }
  return {6, ""};
}

}  // namespace

const Signer* Policy::find_signer(std::string_view key_id) const {
  const auto at = std::find_if(signers_.begin(), signers_.end(), [key_id](const Signer& signer) {
    return signer.key_id == key_id;
  });
  return at == signers_.end() ? nullptr : &*at;
}

Verdict Policy::evaluate(const Question& question) const {
  const auto& command = question.command;
  if (command.subject.kind != wire::Kind::command ||
      (command.subject.node && *command.subject.node != question.unit)) {
    return denied("this is no command for " + question.unit.str());
  }
  if (question.now >= expires_ && after_expiry_.count(command.subject.method.str()) == 0) {
    return denied("the policy has expired at " + wire::format_time(expires_) + ", and " +
                  command.subject.method.str() + " needs one that has not");
  }
  if (denied_.count(command.key_id) > 0) {
    return denied("the key " + command.key_id + " is on the deny list");
  }
  const Signer* const signer = find_signer(command.key_id);
  if (signer == nullptr) {
    return denied("the policy knows no key " + command.key_id.substr(0, 64));
  }
  if (signer->source != command.source) {
    return denied("the key is that of " + signer->source.str() + " and not of " +
                  command.source.str());
  }
  if (signer->expires && question.now >= *signer->expires) {
    return denied(signer->source.str() + " was allowed until " +
                  wire::format_time(*signer->expires));
  }
  const Rule* nearest = nullptr;
  Trial best{-1, ""};
  for (const auto& rule : rules_) {
    auto trial = try_rule(rule, *signer, question);
    if (trial.complaint.empty()) {
      return {true, rule.id, "rule " + rule.id + " allows it to the role " + rule.role};
    }
    if (trial.passed > best.passed) {
      best = std::move(trial);
      nearest = &rule;
    }
  }
  if (nearest == nullptr || best.passed == 0) {
    return denied("no rule is for a role of " + signer->source.str());
  }
  return {
      false, nearest->id, "no rule allows it; nearest is " + nearest->id + ": " + best.complaint};
}

}  // namespace steward::identity
