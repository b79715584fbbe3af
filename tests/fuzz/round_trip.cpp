#include "tests/fuzz/round_trip.hpp"

#include "subjects/wire/ack.hpp"
#include "subjects/wire/alert.hpp"
#include "subjects/wire/daemon.hpp"
#include "subjects/wire/envelope.hpp"
#include "subjects/wire/facts.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/group.hpp"
#include "subjects/wire/hello.hpp"
#include "subjects/wire/metrics_row.hpp"
#include "subjects/wire/osupdate.hpp"
#include "subjects/wire/pattern.hpp"
#include "subjects/wire/query.hpp"
#include "subjects/wire/rollout.hpp"
#include "subjects/wire/selector.hpp"
#include "subjects/wire/shellcommand.hpp"
#include "subjects/wire/target.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>

namespace steward::fuzz {
namespace {

// An answer that quotes a hostile message must not be as long as that.
constexpr std::size_t kLongestMessage = 512;

bool refused_well(const Error& error, std::initializer_list<ErrorCode> codes) {
  return error.message.size() <= kLongestMessage &&
         std::find(codes.begin(), codes.end(), error.code) != codes.end();
}

// The promise for a payload. A value without == is compared by its encoding alone.
template <class Decode, class Encode>
bool payload_holds(std::string_view bytes, Decode decode, Encode encode) {
  const auto first = decode(bytes);
  if (!first) {
    return refused_well(first.error(), {ErrorCode::bad_payload, ErrorCode::unsupported});
  }
  const std::string text = encode(*first);
  const auto second = decode(text);
  if (!second || encode(*second) != text) {
    return false;
  }
  if constexpr (requires { *first == *second; }) {
    return *first == *second;
  }
  return true;
}

template <class Value>
std::string encoded(const Value& value) {
  return wire::encode(value);
}

bool subject_holds(std::string_view bytes) {
  const auto subject = wire::Subject::parse(bytes);
  if (!subject) {
    return refused_well(subject.error(), {ErrorCode::bad_subject});
  }
  const auto again = wire::Subject::parse(subject->str());
  return subject->str() == bytes && again && *again == *subject;
}

bool time_holds(std::string_view bytes) {
  const auto time = wire::parse_time(bytes);
  if (!time) {
    return refused_well(time.error(), {ErrorCode::bad_envelope});
  }
  const std::string text = wire::format_time(*time);
  const auto again = wire::parse_time(text);
  return text.size() == 27 && again && *again == *time;
}

// The first line is the subject, each other one "name: value".
bool envelope_holds(std::string_view bytes) {
  const auto next_line = [&bytes] {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    const auto line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    return line;
  };
  const std::string subject(next_line());
  wire::Headers headers;
  while (!bytes.empty()) {
    const auto line = next_line();
    const auto colon = line.find(": ");
    headers.add(std::string(line.substr(0, colon)),
                colon == std::string_view::npos ? "" : std::string(line.substr(colon + 2)));
  }
  const wire::Fresh fresh{wire::MessageId::make(1'795'247'248'123, {}),
                          wire::Timestamp(std::chrono::milliseconds(1'795'247'248'123))};
  for (const auto completeness : {wire::Completeness::required, wire::Completeness::filled_in}) {
    const auto envelope = wire::decode_envelope(subject, headers, completeness, fresh);
    if (!envelope) {
      if (!refused_well(
              envelope.error(),
              {ErrorCode::bad_subject, ErrorCode::bad_envelope, ErrorCode::unsupported})) {
        return false;
      }
      continue;
    }
    const auto again = wire::decode_envelope(
        subject, wire::encode_envelope(*envelope), wire::Completeness::required, fresh);
    if (!again || !(*again == *envelope)) {
      return false;
    }
  }
  return true;
}

bool target_holds(std::string_view bytes) {
  const std::vector<std::string> known{"a", "rig01", "rig12", "ship1", "ship10", "ship2", "shop-9"};
  wire::nearest(bytes, known);
  const auto target = wire::Target::parse(bytes);
  if (!target) {
    return refused_well(target.error(), {ErrorCode::bad_payload});
  }
  const auto resolved = target->resolve(known);
  return std::all_of(known.begin(), known.end(), [&](const std::string& unit) {
    const bool meant =
        std::find(resolved.units.begin(), resolved.units.end(), unit) != resolved.units.end();
    return target->matches(unit) == meant;
  });
}

bool text_holds(std::string_view bytes) {
  if (wire::parse_base64(wire::base64(bytes)) != std::string(bytes)) {
    return false;
  }
  if (const auto decoded = wire::parse_base64(bytes)) {
    if (wire::base64(*decoded) != bytes) {
      return false;
    }
  }
  // What we take for UTF-8 must come out of JSON unchanged, and the library must agree on the rest.
  const std::string text = wire::dump_json(nlohmann::json(std::string(bytes)));
  const auto again = wire::parse_json(text);
  return again && (again->get<std::string>() == bytes) == wire::is_utf8(bytes);
}

// The first line is the pattern, what follows the line that it is searched in.
bool pattern_holds(std::string_view bytes) {
  const auto end = std::min(bytes.find('\n'), bytes.size());
  const auto pattern = wire::Pattern::compile(bytes.substr(0, end));
  if (!pattern) {
    return refused_well(pattern.error(), {ErrorCode::bad_payload});
  }
  const bool found = pattern->found_in(bytes.substr(std::min(end + 1, bytes.size())));
  return found == pattern->found_in(bytes.substr(std::min(end + 1, bytes.size())));
}

bool hello_holds(std::string_view bytes) {
  const auto request = wire::decode_hello_request(bytes);
  if (request && request->size() > 33) {
    return false;
  }
  return payload_holds(bytes, &wire::decode_hello, &encoded<wire::Hello>) &&
         payload_holds(bytes, &wire::decode_received, &encoded<wire::Received>);
}

bool ack_holds(std::string_view bytes) {
  return payload_holds(bytes, &wire::decode_ack, &encoded<wire::Ack>);
}

bool shell_request_holds(std::string_view bytes) {
  const auto decode = [](std::string_view text) {
    return wire::decode_shell_request(text).map(
        [](wire::DecodedShellRequest&& decoded) { return std::move(decoded.request); });
  };
  return payload_holds(bytes, decode, &encoded<wire::ShellRequest>);
}

bool shell_result_holds(std::string_view bytes) {
  const auto encode = [](const auto& value) {
    return wire::encode(value, wire::OutputEncoding::automatic);
  };
  return payload_holds(bytes, &wire::decode_shell_result, encode) &&
         payload_holds(bytes, &wire::decode_shell_event, encode);
}

bool query_holds(std::string_view bytes) {
  return payload_holds(bytes, &wire::decode_query_request, &encoded<wire::QueryRequest>) &&
         payload_holds(bytes, &wire::decode_query_chunk, &encoded<wire::QueryChunk>) &&
         payload_holds(bytes, &wire::decode_unit_row, &encoded<wire::UnitRow>) &&
         payload_holds(bytes, &wire::decode_job_row, &encoded<wire::JobRow>) &&
         payload_holds(bytes, &wire::decode_job_detail, &encoded<wire::JobDetail>) &&
         payload_holds(bytes, &wire::decode_metrics_row, &encoded<wire::MetricsRow>) &&
         payload_holds(bytes, &wire::decode_history_row, &encoded<wire::HistoryRow>);
}

bool daemon_holds(std::string_view bytes) {
  const auto decode = [](std::string_view text) {
    return wire::decode_daemon_request(text).map(
        [](wire::DecodedDaemonRequest&& decoded) { return std::move(decoded.request); });
  };
  return payload_holds(bytes, decode, &encoded<wire::DaemonRequest>) &&
         payload_holds(bytes, &wire::decode_daemon_spec, &encoded<wire::DaemonSpec>) &&
         payload_holds(bytes, &wire::decode_daemon_event, &encoded<wire::DaemonEvent>);
}

bool osupdate_holds(std::string_view bytes) {
  const auto decode = [](std::string_view text) {
    return wire::decode_update_request(text).map(
        [](wire::DecodedUpdateRequest&& decoded) { return std::move(decoded.request); });
  };
  return payload_holds(bytes, decode, &encoded<wire::UpdateRequest>) &&
         payload_holds(bytes, &wire::decode_update_plan, &encoded<wire::UpdatePlan>) &&
         payload_holds(bytes, &wire::decode_update_summary, &encoded<wire::UpdateSummary>) &&
         payload_holds(bytes, &wire::decode_update_outcome, &encoded<wire::UpdateOutcome>) &&
         payload_holds(bytes, &wire::decode_update_event, &encoded<wire::UpdateEvent>);
}

bool rollout_holds(std::string_view bytes) {
  return payload_holds(bytes, &wire::decode_rollout_request, &encoded<wire::RolloutRequest>) &&
         payload_holds(bytes, &wire::decode_rollout_row, &encoded<wire::RolloutRow>);
}

bool facts_hold(std::string_view bytes) {
  const auto reads_back = [bytes](auto decode, auto encode) {
    const auto first = decode(bytes);
    if (!first) {
      return refused_well(first.error(),
                          {ErrorCode::bad_payload, ErrorCode::unsupported, ErrorCode::too_large});
    }
    const auto second = decode(encode(*first));
    return second && *second == *first;
  };
  const auto request = wire::decode_facts_request(bytes);
  return reads_back(&wire::decode_facts_event, &encoded<wire::FactsEvent>) &&
         reads_back(&wire::decode_facts_row, &encoded<wire::FactsRow>) &&
         reads_back(&wire::facts_from_json, &wire::facts_to_json) &&
         (request ||
          refused_well(request.error(), {ErrorCode::bad_payload, ErrorCode::unsupported}));
}

bool alert_holds(std::string_view bytes) {
  return payload_holds(bytes, &wire::decode_alert_event, &encoded<wire::AlertEvent>) &&
         payload_holds(bytes, &wire::decode_alert_rule, &encoded<wire::AlertRule>) &&
         payload_holds(bytes, &wire::decode_alert_row, &encoded<wire::AlertRow>) &&
         payload_holds(bytes, &wire::decode_silence_row, &encoded<wire::SilenceRow>) &&
         payload_holds(bytes, &wire::decode_alerts_request, &encoded<wire::AlertsRequest>) &&
         payload_holds(bytes, &wire::decode_group_row, &encoded<wire::GroupRow>) &&
         payload_holds(bytes, &wire::decode_groups_request, &encoded<wire::GroupsRequest>);
}

// It can be asked about any unit, and what a target says of a name it says, too.
bool selector_holds(std::string_view bytes) {
  const auto selector = wire::Selector::parse(bytes);
  if (!selector) {
    return refused_well(selector.error(), {ErrorCode::bad_payload});
  }
  const wire::Selector::Unit unit{"ship1", [](std::string_view key) {
                                    return std::vector<std::string>{std::string(key), "7"};
                                  }};
  const bool meant = selector->matches(unit);
  const auto* const names = selector->names_only();
  return names == nullptr || names->matches(unit.name) == meant;
}

constexpr std::array<Check, 17> kChecks{{{"subject", &subject_holds},
                                         {"envelope", &envelope_holds},
                                         {"time", &time_holds},
                                         {"target", &target_holds},
                                         {"text", &text_holds},
                                         {"pattern", &pattern_holds},
                                         {"hello", &hello_holds},
                                         {"ack", &ack_holds},
                                         {"shell_request", &shell_request_holds},
                                         {"shell_result", &shell_result_holds},
                                         {"query", &query_holds},
                                         {"facts", &facts_hold},
                                         {"alert", &alert_holds},
                                         {"daemon", &daemon_holds},
                                         {"osupdate", &osupdate_holds},
                                         {"rollout", &rollout_holds},
                                         {"selector", &selector_holds}}};

}  // namespace

std::span<const Check> checks() { return kChecks; }

const Check& check(std::string_view name) {
  const auto at = std::find_if(
      kChecks.begin(), kChecks.end(), [name](const Check& item) { return item.name == name; });
  if (at == kChecks.end()) {
    std::abort();
  }
  return *at;
}

}  // namespace steward::fuzz
