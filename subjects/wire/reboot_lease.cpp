#include "subjects/wire/reboot_lease.hpp"

#include "subjects/wire/process_fields.hpp"
#include "subjects/wire/query_fields.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kLeaseStates{"waiting", "held", "overdue", "refused"};

}  // namespace

std::string_view word(LeaseState state) { return kLeaseStates[static_cast<std::size_t>(state)]; }

std::string encode(const RebootLease& lease) {
  const RebootLease usual;
  json out = {{"unit", lease.unit},
              {"domain", lease.domain},
              {"run", lease.run},
              {"state", word(lease.state)},
              {"since", format_time(lease.since)}};
  if (lease.expires) {
    out["expires"] = format_time(*lease.expires);
  }
  put(out, "grant", lease.grant, usual.grant);
  put(out, "seen", lease.seen, usual.seen);
  put(out, "taken", lease.taken, usual.taken);
  put(out, "why", lease.why, usual.why);
  put(out, "epoch", lease.epoch, usual.epoch);
  put(out, "seq", lease.seq, usual.seq);
  return dump_json(out);
}

Result<RebootLease> decode_reboot_lease(std::string_view text) {
  return decode_object(text, [](Fields& fields) {
    RebootLease lease;
    lease.unit = fields.required_text("unit");
    lease.domain = fields.required_text("domain");
    lease.run = fields.required_text("run");
    read_word(fields, "state", kLeaseStates, lease.state);
    lease.since = read_required_time(fields, "since");
    lease.expires = read_time(fields, "expires");
    lease.grant = fields.text("grant");
    lease.seen = fields.boolean("seen", false);
    lease.taken = fields.boolean("taken", false);
    lease.why = fields.text("why");
    lease.epoch = fields.text("epoch");
    lease.seq = static_cast<std::uint64_t>(fields.integer("seq", 0, 0, INT64_MAX));
    return lease;
  });
}

}  // namespace steward::wire
