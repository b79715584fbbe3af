#include "subjects/wire/fields.hpp"
#include "subjects/wire/text.hpp"
#include "tools/stewardctl/job_view.hpp"
#include "tools/stewardctl/unit_output.hpp"

#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

json or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

// The fields that programs rely on are there for every unit, null or empty where there is nothing.
json result_json(const UnitProgress& unit) {
  json out{{"unit", unit.unit},
           {"state", unit.state ? wire::word(*unit.state) : wire::word(wire::CommandState::sent)},
           {"exit_code", nullptr},
           {"signal", nullptr},
           {"stdout", ""},
           {"stderr", ""},
           {"duration_ms", nullptr},
           {"expires", unit.expires ? json(wire::format_time(*unit.expires)) : json(nullptr)},
           {"code", or_null(unit.code)},
           {"message", or_null(unit.message)}};
  const auto shell = program_result(unit.result);
  const auto object = wire::parse_json(unit.result.empty() ? "{}" : unit.result);
  if (shell) {
    if (shell->exit_code) {
      out["exit_code"] = *shell->exit_code;
    }
    out["signal"] = or_null(shell->signal);
    out["stdout"] = whole(shell->out);
    out["stderr"] = whole(shell->err);
    out["duration_ms"] = shell->duration.count();
    if (shell->skipped) {
      out["skipped"] = shell->reason;
    }
  } else if (object && !object->empty()) {
    out["result"] = *object;
  }
  return out;
}

json summary_json(const JobProgress& progress) {
  const auto counts = progress.counts();
  return {{"done", counts.done}, {"failed", counts.failed}, {"pending", counts.pending}};
}

class JsonlView final : public JobView {
 public:
  explicit JsonlView(Console& console) : console_(console) {}

  void started(const JobProgress& progress) override {
    json units = json::array();
    for (const UnitProgress& unit : progress.units()) {
      units.push_back(unit.unit);
    }
    put("discovery", {{"job", progress.job().view()}, {"units", std::move(units)}});
  }

  void acked(const UnitProgress& unit, milliseconds since) override { put_ack(unit, since); }

  void output(const UnitProgress& unit, const wire::ShellEvent& event) override {
    if (event.type != wire::ShellEventType::output) {
      put("event", {{"unit", unit.unit}, {"type", wire::word(event.type)}});
      return;
    }
    json line{{"unit", unit.unit}, {"fd", event.fd}, {"offset", event.offset}};
    if (wire::is_utf8(event.bytes)) {
      line["data"] = event.bytes;
    } else {
      line["b64"] = wire::base64(event.bytes);
    }
    put("output", std::move(line));
  }

  void ended(const UnitProgress& unit, milliseconds since) override {
    put_ack(unit, since);
    put("result", result_json(unit));
  }

  void tick(const JobProgress&) override {}

  void finished(const JobProgress& progress) override { put("summary", summary_json(progress)); }

 private:
  void put(const char* kind, json line) {
    line["kind"] = kind;
    console_.out(wire::dump_json(line) + "\n");
  }

  void put_ack(const UnitProgress& unit, milliseconds since) {
    put("ack", {{"unit", unit.unit}, {"state", wire::word(*unit.state)}, {"ms", since.count()}});
  }

  Console& console_;
};

class JsonView final : public JobView {
 public:
  explicit JsonView(Console& console) : console_(console) {}

  void started(const JobProgress&) override {}

  void acked(const UnitProgress&, milliseconds) override {}

  void output(const UnitProgress&, const wire::ShellEvent&) override {}

  void ended(const UnitProgress&, milliseconds) override {}

  void tick(const JobProgress&) override {}

  void finished(const JobProgress& progress) override {
    json units = json::array();
    for (const UnitProgress& unit : progress.units()) {
      units.push_back(result_json(unit));
    }
    const json whole{{"job", progress.job().view()},
                     {"units", std::move(units)},
                     {"summary", summary_json(progress)}};
    console_.out(whole.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  }

 private:
  Console& console_;
};

}  // namespace

std::unique_ptr<JobView> jsonl_job_view(Console& console) {
  return std::make_unique<JsonlView>(console);
}

std::unique_ptr<JobView> json_job_view(Console& console) {
  return std::make_unique<JsonView>(console);
}

}  // namespace steward::ctl
