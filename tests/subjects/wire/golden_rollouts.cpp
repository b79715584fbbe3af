#include "subjects/wire/rollout.hpp"
#include "tests/subjects/wire/golden.hpp"

#include <map>
#include <utility>

namespace steward::wire::golden {

using std::chrono::milliseconds;

std::vector<Message> rollouts() {
  std::vector<Message> out;
  const auto rolled = [&out](const std::string& name, const RolloutRequest& request) {
    const std::string subject = "station.command.rollout.fleet";
    const auto payload = encode(request);
    out.push_back(message(name,
                          envelope_of(subject, "/operator/anna"),
                          subject,
                          payload,
                          encode(decode_rollout_request(payload).value())));
  };
  const RolloutPlan plan{.rollout = fixed_id(9),
                         .method = "osupdate",
                         .domain = "system",
                         .payload = R"({"op":"apply"})",
                         .units = 200,
                         .canary = 1,
                         .batch = 20,
                         .max_fail = {5, Amount::Of::hundred},
                         .timeout = milliseconds(3'600'000),
                         .pause = milliseconds(60'000),
                         .approve = true};
  rolled("rollout_plan", plan);
  auto sealed = envelope_of("ship1.command.osupdate.system", "/operator/anna");
  sealed.job = fixed_id(9);
  Headers headers;
  std::map<std::string, std::string> by_name;
  for (const auto& [name, value] : encode_envelope(sealed)) {
    by_name[name] = value;
  }
  for (const auto& [name, value] : by_name) {
    headers.add(name, value);
  }
  rolled("rollout_units", RolloutUnits{fixed_id(9), 20, {{"ship1", headers}}});
  rolled("rollout_resume",
         RolloutWord{RolloutWord::Op::resume, fixed_id(9), 3, 2, "looked at them"});
  rolled("rollout_pause", RolloutWord{RolloutWord::Op::pause, fixed_id(9), 0, 0, ""});
  const RolloutRow rollout{.plan =
                               [&plan] {
                                 auto without = plan;
                                 without.payload.clear();
                                 return without;
                               }(),
                           .by = "/operator/anna",
                           .summary = "apply",
                           .created = fixed_time(),
                           .state = RolloutState::halted,
                           .reason = "2 of 21 have failed, at most 5% may",
                           .changed = fixed_time(),
                           .received = 200,
                           .groups = 11,
                           .begun = 2,
                           .allowed = 2,
                           .accepted = 0,
                           .group_over = fixed_time(),
                           .counts = {179, 1, 0, 1, 18, 1, 0},
                           .deferred = {"ship7"},
                           .overdue = {"ship9"}};
  out.push_back(payload_only(
      "query_rollouts_row", encode(rollout), encode(decode_rollout_row(encode(rollout)).value())));
  return out;
}

}  // namespace steward::wire::golden
