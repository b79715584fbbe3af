#include "subjects/wire/rollout.hpp"

#include "subjects/wire/envelope.hpp"
#include "subjects/wire/query_fields.hpp"
#include "subjects/wire/rollout_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kLongestPart = kLongestExpiry;
constexpr std::size_t kLongestNote = 1024;
constexpr std::size_t kMostHeaders = 64;

std::string read_token(Fields& fields, std::string_view name) {
  auto text = fields.required_text(name);
  if (auto token = Token::parse(text); !token) {
    fields.fail(ErrorCode::bad_payload, name, token.error().message);
  }
  return text;
}

std::size_t read_size(Fields& fields, std::string_view name, std::size_t low, std::size_t most) {
  if (!fields.has(name)) {
    fields.fail(ErrorCode::bad_payload, name, "is needed");
  }
  return static_cast<std::size_t>(fields.integer(name,
                                                 static_cast<std::int64_t>(low),
                                                 static_cast<std::int64_t>(low),
                                                 static_cast<std::int64_t>(most)));
}

Amount read_amount(Fields& fields, std::string_view name) {
  const auto amount = parse_amount(fields.text(name, "0"));
  if (!amount) {
    fields.fail(ErrorCode::bad_payload, name, amount.error().message);
  }
  return amount.value_or(Amount{});
}

RolloutPlan read_plan_request(Fields& fields) {
  auto plan = read_rollout_plan(fields);
  plan.payload = fields.required_text("payload");
  if (plan.payload.size() > kMaxPayloadBytes) {
    fields.fail(ErrorCode::bad_payload, "payload", "too large");
  }
  return plan;
}

RolloutUnit read_rollout_unit(Fields& fields) {
  RolloutUnit unit{read_node(fields, "unit"), {}};
  auto headers = fields.text_map("headers");
  if (headers.size() > kMostHeaders) {
    fields.fail(ErrorCode::bad_payload, "headers", "too many");
  }
  for (auto& [name, value] : headers) {
    unit.headers.add(name, std::move(value));
  }
  return unit;
}

RolloutUnits read_rollout_units(Fields& fields) {
  RolloutUnits units{read_id(fields, "rollout"), 0, {}};
  units.first = read_size(fields, "first", 0, kMostRolloutUnits);
  fields.objects("units",
                 [&units](Fields& unit) { units.units.push_back(read_rollout_unit(unit)); });
  if (units.units.empty()) {
    fields.fail(ErrorCode::bad_payload, "units", "there is none");
  }
  return units;
}

RolloutWord read_rollout_word(Fields& fields, RolloutWord::Op op) {
  RolloutWord said{op, read_id(fields, "rollout"), 0, 0, fields.text("note")};
  if (said.note.size() > kLongestNote) {
    fields.fail(ErrorCode::bad_payload, "note", "must have 1024 bytes at most");
  }
  if (op == RolloutWord::Op::resume) {
    said.groups = read_size(fields, "groups", 0, kMostRolloutUnits + 1);
    said.failures = read_size(fields, "failures", 0, kMostRolloutUnits);
  }
  return said;
}

json to_json(const RolloutPlan& plan) {
  auto out = rollout_plan_json(plan);
  out["op"] = "plan";
  out["payload"] = plan.payload;
  return out;
}

json to_json(const RolloutUnits& units) {
  json list = json::array();
  for (const auto& unit : units.units) {
    json headers = json::object();
    for (const auto& [name, value] : unit.headers) {
      headers[name] = value;
    }
    list.push_back({{"unit", unit.unit}, {"headers", std::move(headers)}});
  }
  return {{"op", "units"},
          {"rollout", units.rollout.view()},
          {"first", units.first},
          {"units", std::move(list)}};
}

json to_json(const RolloutWord& said) {
  const bool resumes = said.op == RolloutWord::Op::resume;
  json out{{"op",
            resumes                             ? "resume"
            : said.op == RolloutWord::Op::pause ? "pause"
                                                : "abort"},
           {"rollout", said.rollout.view()}};
  if (resumes) {
    out["groups"] = said.groups;
    out["failures"] = said.failures;
  }
  if (!said.note.empty()) {
    out["note"] = said.note;
  }
  return out;
}

}  // namespace

std::string text_of(const Amount& amount) {
  return std::to_string(amount.number) + (amount.of == Amount::Of::hundred ? "%" : "");
}

Result<Amount> parse_amount(std::string_view text) {
  Amount amount;
  if (text.ends_with('%')) {
    amount.of = Amount::Of::hundred;
    text.remove_suffix(1);
  }
  const auto most = amount.of == Amount::Of::hundred ? 100 : kMostRolloutUnits;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount.number);
  if (error != std::errc() || end != text.data() + text.size() || amount.number > most ||
      (text.size() > 1 && text.front() == '0')) {
    return failure(ErrorCode::bad_payload, "must be a number of units or a percentage: 5, 10%");
  }
  return amount;
}

RolloutPlan read_rollout_plan(Fields& fields) {
  RolloutPlan plan{.rollout = read_id(fields, "rollout"),
                   .method = read_token(fields, "method"),
                   .domain = read_token(fields, "domain"),
                   .payload = {},
                   .max_fail = {}};
  plan.units = read_size(fields, "units", 1, kMostRolloutUnits);
  plan.canary = static_cast<std::size_t>(
      fields.integer("canary", 0, 0, static_cast<std::int64_t>(plan.units)));
  plan.batch = read_size(fields, "batch", 1, kMostRolloutUnits);
  plan.max_fail = read_amount(fields, "max_fail");
  plan.timeout = fields.milliseconds("timeout_ms", plan.timeout, milliseconds(1'000), kLongestPart);
  plan.pause = fields.milliseconds("pause_ms", plan.pause, milliseconds(0), kLongestPart);
  plan.approve = fields.boolean("approve", false);
  return plan;
}

json rollout_plan_json(const RolloutPlan& plan) {
  return {{"rollout", plan.rollout.view()},
          {"method", plan.method},
          {"domain", plan.domain},
          {"units", plan.units},
          {"canary", plan.canary},
          {"batch", plan.batch},
          {"max_fail", text_of(plan.max_fail)},
          {"timeout_ms", plan.timeout.count()},
          {"pause_ms", plan.pause.count()},
          {"approve", plan.approve}};
}

std::string encode(const RolloutRequest& request) {
  return dump_json(std::visit([](const auto& one) { return to_json(one); }, request));
}

Result<RolloutRequest> decode_rollout_request(std::string_view payload) {
  return decode_object(payload, [](Fields& fields) -> RolloutRequest {
    fields.required_text("op");
    switch (fields.choice("op", {"plan", "units", "pause", "resume", "abort"}, 2)) {
      case 0:
        return read_plan_request(fields);
      case 1:
        return read_rollout_units(fields);
      case 3:
        return read_rollout_word(fields, RolloutWord::Op::resume);
      case 4:
        return read_rollout_word(fields, RolloutWord::Op::abort);
      default:
        return read_rollout_word(fields, RolloutWord::Op::pause);
    }
  });
}

}  // namespace steward::wire
