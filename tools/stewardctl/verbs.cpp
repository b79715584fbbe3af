#include "tools/stewardctl/verb.hpp"

#include <iterator>

namespace steward::ctl {

// Every command, in the order of help. Each is a file of its own, verb_<name>.cpp.
const Verbs& all_verbs() {
  static const Verbs kVerbs = [] {
    Verbs out{units_verb(), show_verb(), ping_verb(), run_verb(), call_verb()};
    const auto add = [&out](Verbs family) {
      std::move(family.begin(), family.end(), std::back_inserter(out));
    };
    add(jobs_verbs());
    out.push_back(retry_verb());
    out.push_back(events_verb());
    out.push_back(facts_verb());
    out.push_back(label_verb());
    out.push_back(metrics_verb());
    out.push_back(top_verb());
    add(daemons_verbs());
    add(update_verbs());
    add(update_rollout_verbs());
    add(rollout_verbs());
    add(group_verbs());
    add(alerts_verbs());
    out.push_back(logs_verb());
    out.push_back(tail_verb());
    add(context_verbs());
    add(keys_verbs());
    add(policy_verbs());
    out.push_back(enroll_token_verb());
    add(enroll_verbs());
    out.push_back(ca_sign_verb());
    add(ca_rotation_verbs());
    out.push_back(revoke_verb());
    out.push_back(trust_verify_verb());
    add(audit_verbs());
    add(bus_verbs());
    add({version_verb(), completion_verb(), complete_verb()});
    return out;
  }();
  return kVerbs;
}

}  // namespace steward::ctl
