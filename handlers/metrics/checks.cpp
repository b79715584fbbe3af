#include "handlers/metrics/checks.hpp"

#include "handlers/metrics/scan.hpp"
#include "handlers/runtime/owner_files.hpp"
#include "handlers/runtime/place.hpp"
#include "subjects/wire/alert.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::handlers::metrics {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostChecks = 64;
constexpr std::size_t kMostAtOnce = 4;
constexpr std::size_t kMostArguments = 64;
constexpr std::size_t kLongestMessage = 256;
constexpr milliseconds kShortestInterval{100};
constexpr milliseconds kLongestInterval{86'400'000};
constexpr milliseconds kShortestTimeout{10};
constexpr milliseconds kLongestTimeout{600'000};
constexpr int kUnknown = 3;

// A plugin's word for people: the first line up to its '|'.
std::string message_of(std::string_view text) {
  const auto line = next_line(text);
  std::string message(line.substr(0, std::min(line.find('|'), kLongestMessage)));
  while (message.ends_with(' ') || message.ends_with('\r')) {
    message.pop_back();
  }
  return message;
}

}  // namespace

Result<CheckSpec> decode_check(std::string_view text) {
  STEWARD_TRY(const auto object, wire::parse_json(text));
  wire::Fields fields(object);
  CheckSpec spec;
  spec.name = fields.required_text("name");
  spec.argv = fields.texts("argv");
  spec.interval =
      fields.milliseconds("interval_ms", spec.interval, kShortestInterval, kLongestInterval);
  spec.timeout = fields.milliseconds("timeout_ms", spec.timeout, kShortestTimeout, kLongestTimeout);
  spec.form = static_cast<CheckForm>(fields.choice("output", {"nagios", "json", "openmetrics"}, 0));
  if (!wire::is_rule_name(spec.name)) {
    fields.fail(ErrorCode::bad_payload, "name", "must be 1 to 64 of A-Z a-z 0-9 _ - .");
  }
  if (spec.argv.empty() || spec.argv.size() > kMostArguments ||
      !spec.argv.front().starts_with('/')) {
    fields.fail(ErrorCode::bad_payload, "argv", "must be a program's whole path and arguments");
  }
  STEWARD_TRY(const auto ignored, fields.finish());
  if (!ignored.empty()) {
    return failure(ErrorCode::bad_payload, ignored.front() + ": no check has such a key");
  }
  return spec;
}

Checks::Check::Check(CheckSpec spec_of, runtime::Loop& loop, Checks& all)
    : spec(std::move(spec_of)),
      beat(loop, [this, &all] { all.due(*this); }),
      phase(loop, [this, &all] {
        beat.start_every(spec.interval);
        all.due(*this);
      }) {
  result.name = spec.name;
}

Checks::Checks(runtime::Context& context)
    : context_(context), complaint_(context.clock, context.log) {
  for (const auto& text : context.options.tables("checks")) {
    auto spec = decode_check(text);
    if (!spec) {
      context.options.reject("checks", spec.error().message);
      continue;
    }
    const bool twice = std::any_of(checks_.begin(), checks_.end(), [&spec](const auto& one) {
      return one->spec.name == spec->name;
    });
    if (twice) {
      context.options.reject("checks", "two of them are named '" + spec->name + "'");
      continue;
    }
    checks_.push_back(std::make_unique<Check>(*std::move(spec), context.loop, *this));
    results_.push_back(&checks_.back()->result);
  }
  if (checks_.size() > kMostChecks) {
    context.options.reject("checks", "more than 64");
  }
}

void Checks::start() {
  for (auto& check : checks_) {
    const auto name = context_.node.str() + '/' + check->spec.name;
    check->phase.start(milliseconds(1) + runtime::place_in(check->spec.interval, name));
  }
}

std::vector<const CheckResults::Outcome*> Checks::results() const { return results_; }

void Checks::due(Check& check) {
  if (check.running || check.is_waiting) {
    ++check.result.skipped;
    return;
  }
  check.is_waiting = true;
  waiting_.push_back(&check);
  next();
}

void Checks::next() {
  while (running_ < kMostAtOnce && !waiting_.empty()) {
    Check& check = *waiting_.front();
    waiting_.pop_front();
    check.is_waiting = false;
    check.began = context_.clock.steady();
    if (auto started = run(check); !started) {
      stamp(check);
      failed(check, started.error().text());
    }
  }
}

// Looked at each time: what was safe when the agent began may be another file now.
Result<void> Checks::run(Check& check) {
  STEWARD_TRY(const auto file, runtime::owner_file(check.spec.argv.front()));
  if (!file.is_program) {
    return failure(ErrorCode::permission, "is not executable: chmod u+x");
  }
  check.ended.reset();
  auto program = std::make_unique<runtime::ProgramRun>(
      context_.loop,
      runtime::ProgramRun::Request{
          .argv = check.spec.argv,
          .env = {"STEWARD_UNIT=" + context_.node.str(), "STEWARD_CHECK=" + check.spec.name},
          .timeout = check.spec.timeout},
      [this, &check](const Result<runtime::ProgramRun::End>& end) {
        check.ended = std::move(check.running);
        --running_;
        ended(check, end);
        next();
      });
  if (auto started = program->start(context_.processes); !started) {
    return started;
  }
  check.running = std::move(program);
  ++running_;
  return {};
}

Result<std::vector<Told>> Checks::read(const Check& check, const runtime::ProgramRun::End& end) {
  const auto code = end.status.code;
  if (check.spec.form == CheckForm::nagios) {
    if (!code || *code < 0 || *code > kUnknown) {
      return failure(ErrorCode::bad_payload, "ended with " + runtime::shown(end.status));
    }
    return parse_perfdata(end.output, check.spec.name);
  }
  if (code != 0) {
    return failure(ErrorCode::bad_payload, "ended with " + runtime::shown(end.status));
  }
  if (check.spec.form == CheckForm::json) {
    return parse_check_json(end.output, check.spec.name);
  }
  // It has ended, so nothing is cut.
  const bool whole = end.output.empty() || end.output.back() == '\n';
  return parse_exposition(whole ? end.output : end.output + '\n');
}

void Checks::ended(Check& check, const Result<runtime::ProgramRun::End>& end) {
  stamp(check);
  if (!end) {
    failed(check, end.error().text());
    return;
  }
  auto told = read(check, *end);
  if (!told) {
    failed(check, told.error().text());
  } else {
    check.result.status = end->status.code.value_or(kUnknown);
    check.result.error.clear();
    check.result.series.take(*std::move(told));
  }
  // A plugin's word and its end count, whatever its figures are.
  if (check.spec.form == CheckForm::nagios) {
    check.result.message = message_of(end->output);
    const auto code = end->status.code.value_or(kUnknown);
    check.result.status = code >= 0 && code <= kUnknown ? code : kUnknown;
  }
}

void Checks::stamp(Check& check) const {
  using std::chrono::duration_cast;
  auto& result = check.result;
  const auto now = context_.clock.now().time_since_epoch();
  result.has_run = true;
  ++result.runs;
  result.ended_ms = duration_cast<milliseconds>(now).count();
  result.took = duration_cast<milliseconds>(context_.clock.steady() - check.began);
}

void Checks::failed(Check& check, const std::string& why) {
  complaint_.say("check " + check.spec.name + ": " + why);
  check.result.error = why;
  check.result.status = kUnknown;
  check.result.message.clear();
  check.result.series.lose();
}

}  // namespace steward::handlers::metrics
