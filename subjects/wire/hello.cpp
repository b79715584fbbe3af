#include "subjects/wire/hello.hpp"

#include "subjects/wire/hello_fields.hpp"
#include "subjects/wire/names.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kLongestHelloText = 128;
constexpr std::size_t kMostHandlers = 256;
constexpr milliseconds kLongestInterval = std::chrono::hours(24);
constexpr std::array<std::string_view, 3> kHandlerStates{"running", "restarting", "stopped"};

// A text that a station keeps for each unit: bounded, so that no unit can make it large.
std::string short_text(Fields& fields, std::string_view name) {
  std::string text = fields.text(name);
  if (text.size() > kLongestHelloText) {
    fields.fail(ErrorCode::bad_payload, name, "is longer than 128 bytes");
  }
  return text;
}

std::string token_text(Fields& fields, std::string_view name) {
  std::string text = fields.required_text(name);
  if (!Token::parse(text)) {
    fields.fail(ErrorCode::bad_payload, name, "must be 1 to 64 of A-Z, a-z, 0-9, '_' and '-'");
  }
  return text;
}

std::map<std::string, std::int64_t> read_figures(Fields& fields) {
  std::map<std::string, std::int64_t> figures;
  const auto object = json::parse(fields.raw("figures"), nullptr, false);
  bool good = object.is_object() && object.size() <= kMostFigures;
  for (auto item = object.begin(); good && item != object.end(); ++item) {
    good = item->is_number_integer() && Token::parse(item.key());
    if (good) {
      figures.emplace(item.key(), item->get<std::int64_t>());
    }
  }
  if (!good) {
    fields.fail(ErrorCode::bad_payload, "figures", "must be an object of at most 16 whole numbers");
  }
  return figures;
}

HandlerState read_handler(Fields& fields) {
  HandlerState handler;
  handler.method = token_text(fields, "method");
  handler.domain = token_text(fields, "domain");
  handler.state = kHandlerStates[fields.choice("state", kHandlerStates, 0)];
  handler.restarts = fields.integer("restarts", 0, 0, kMostWhole);
  if (fields.has("figures")) {
    handler.figures = read_figures(fields);
  }
  return handler;
}

std::optional<OutboxBegin> read_outbox(Fields& fields) {
  const auto epoch = MessageId::parse(fields.required_text("epoch"));
  const auto first = fields.integer("first", 1, 1, kMostWhole);
  if (!epoch) {
    fields.fail(ErrorCode::bad_payload, "epoch", epoch.error().message);
    return std::nullopt;
  }
  return OutboxBegin{*epoch, static_cast<std::uint64_t>(first)};
}

std::optional<milliseconds> read_given_moment(Fields& fields, std::string_view name) {
  const auto moment = fields.optional_integer(name, 0, kMostWhole);
  return moment ? std::optional(milliseconds(*moment)) : std::nullopt;
}

}  // namespace

Hello read_hello(Fields& fields) {
  Hello hello;
  hello.interval =
      fields.milliseconds("interval_ms", hello.interval, milliseconds(1), kLongestInterval);
  hello.boot_id = short_text(fields, "boot_id");
  hello.session = short_text(fields, "session");
  hello.agent_version = short_text(fields, "agent_version");
  hello.uptime = fields.milliseconds("uptime_ms", {}, {}, kMostTime);
  if (const auto rtt = fields.optional_integer("rtt_us", 0, kMostWhole)) {
    hello.rtt = microseconds(*rtt);
  }
  hello.outbox_depth = fields.integer("outbox_depth", 0, 0, kMostWhole);
  hello.outbox_oldest = fields.milliseconds("outbox_oldest_ms", {}, {}, kMostTime);
  fields.objects("outbox", [&hello](Fields& epoch) {
    if (hello.outbox.size() == kMostEpochsTold) {
      epoch.fail(ErrorCode::bad_payload, "epoch", "is the 9th epoch, 8 are allowed");
    } else if (const auto begin = read_outbox(epoch)) {
      hello.outbox.push_back(*begin);
    }
  });
  hello.ledger_open = fields.integer("ledger_open", 0, 0, kMostWhole);
  hello.policy = fields.optional_integer("policy", 0, kMostWhole);
  hello.login_expires = read_given_moment(fields, "login_expires_ms");
  hello.authority_expires = read_given_moment(fields, "authority_expires_ms");
  hello.facts_hash = short_text(fields, "facts_hash");
  fields.objects("handlers", [&hello](Fields& handler) {
    if (hello.handlers.size() < kMostHandlers) {
      hello.handlers.push_back(read_handler(handler));
    } else {
      handler.fail(ErrorCode::bad_payload, "method", "is the 257th handler, 256 are allowed");
    }
  });
  hello.clock = fields.milliseconds("clock_ms", {}, {}, kMostTime);
  hello.first = fields.boolean("first", false);
  hello.bye = fields.boolean("bye", false);
  return hello;
}

void write_hello(const Hello& hello, json& out) {
  out["interval_ms"] = hello.interval.count();
  out["boot_id"] = hello.boot_id;
  out["session"] = hello.session;
  out["agent_version"] = hello.agent_version;
  out["uptime_ms"] = hello.uptime.count();
  out["outbox_depth"] = hello.outbox_depth;
  out["outbox_oldest_ms"] = hello.outbox_oldest.count();
  out["ledger_open"] = hello.ledger_open;
  out["clock_ms"] = hello.clock.count();
  if (hello.rtt) {
    out["rtt_us"] = hello.rtt->count();
  }
  if (hello.policy) {
    out["policy"] = *hello.policy;
  }
  if (hello.login_expires) {
    out["login_expires_ms"] = hello.login_expires->count();
  }
  if (hello.authority_expires) {
    out["authority_expires_ms"] = hello.authority_expires->count();
  }
  if (!hello.facts_hash.empty()) {
    out["facts_hash"] = hello.facts_hash;
  }
  for (const auto& [epoch, first] : hello.outbox) {
    out["outbox"].push_back({{"epoch", epoch.str()}, {"first", first}});
  }
  json& handlers = out["handlers"] = json::array();
  for (const auto& handler : hello.handlers) {
    handlers.push_back({{"method", handler.method},
                        {"domain", handler.domain},
                        {"state", handler.state},
                        {"restarts", handler.restarts}});
    if (!handler.figures.empty()) {
      handlers.back()["figures"] = handler.figures;
    }
  }
  if (hello.first) {
    out["first"] = true;
  }
  if (hello.bye) {
    out["bye"] = true;
  }
}

std::string encode(const Hello& hello) {
  json out = json::object();
  write_hello(hello, out);
  return dump_json(out);
}

Result<Hello> decode_hello(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  Hello hello = read_hello(fields);
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return hello;
}

Result<std::vector<std::string>> decode_hello_request(std::string_view payload) {
  if (payload.empty()) {
    return std::vector<std::string>{};
  }
  STEWARD_TRY(const auto object, parse_json(payload));
  return Fields(object).finish();
}

std::string encode(const Received& received) {
  return dump_json({{"epoch", received.epoch}, {"upto", received.upto}});
}

Result<Received> decode_received(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  const auto epoch = MessageId::parse(fields.required_text("epoch"));
  if (!epoch) {
    fields.fail(ErrorCode::bad_payload, "epoch", epoch.error().message);
  }
  if (!fields.has("upto")) {
    fields.fail(ErrorCode::bad_payload, "upto", "is missing");
  }
  const auto upto = fields.integer("upto", 0, 0, INT64_MAX);
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  return Received{epoch->str(), static_cast<std::uint64_t>(upto)};
}

}  // namespace steward::wire
