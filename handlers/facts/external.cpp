#include "handlers/facts/external.hpp"

#include "handlers/facts/sources/source.hpp"
#include "handlers/runtime/owner_files.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::facts {
namespace {

Result<std::string> output_of(Result<runtime::ProgramRun::End> end) {
  if (!end) {
    return tl::unexpected<Error>(std::move(end).error());
  }
  if (end->status.code != 0) {
    return failure(ErrorCode::bad_payload, "ended with " + runtime::shown(end->status));
  }
  return std::move(end->output);
}

}  // namespace

Result<wire::Facts> parse_external(std::string_view text) {
  wire::Facts facts;
  std::vector<std::string> left;
  if (trimmed(text).starts_with('{')) {
    STEWARD_TRY(left, wire::add_facts(facts, "", text));
  } else {
    each_line(text, [&facts, &left](std::string_view line) {
      line = trimmed(line);
      const auto equals = line.find('=');
      const auto path = std::string(trimmed(line.substr(0, equals)));
      if (line.empty() || line.starts_with('#')) {
        return;
      }
      if (equals == std::string_view::npos || !wire::is_fact_path(path)) {
        left.push_back(path.substr(0, wire::kLongestFactPath));
        return;
      }
      facts.insert_or_assign(path, wire::fact_text(trimmed(line.substr(equals + 1))));
    });
  }
  if (!left.empty()) {
    return failure(ErrorCode::bad_payload,
                   "'" + left.front() + "' is no fact: NAME=VALUE, or JSON");
  }
  return facts;
}

ExternalFacts::ExternalFacts(runtime::Loop& loop,
                             runtime::Processes& processes,
                             std::filesystem::path folder,
                             std::chrono::milliseconds timeout)
    : loop_(loop), processes_(processes), folder_(std::move(folder)), timeout_(timeout) {}

ExternalFacts::~ExternalFacts() = default;

void ExternalFacts::refresh(std::function<void()> done) {
  waiting_.push_back(std::move(done));
  if (!running_.empty()) {
    return;
  }
  ended_.clear();
  looking_ = true;
  const auto files = runtime::files_in(folder_, kMostFiles);
  std::erase_if(outcomes_, [&files](const auto& entry) {
    return std::none_of(files.begin(), files.end(), [&entry](const auto& file) {
      return file.filename() == entry.first;
    });
  });
  for (const auto& file : files) {
    look_at(file);
  }
  looking_ = false;
  settle();
}

void ExternalFacts::look_at(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  const auto looked = runtime::owner_file(file);
  if (!looked) {
    take(name, tl::unexpected<Error>(looked.error()));
    return;
  }
  if (looked->is_program) {
    run(name, file);
    return;
  }
  auto text = read_file(file.string(), kLargestOutput + 1);
  if (text.size() > kLargestOutput) {
    take(name, failure(ErrorCode::too_large, "has more than 64 KiB"));
    return;
  }
  take(name, std::move(text));
}

void ExternalFacts::run(const std::string& name, const std::filesystem::path& file) {
  auto program = std::make_unique<runtime::ProgramRun>(
      loop_,
      runtime::ProgramRun::Request{
          .argv = {file.string()}, .timeout = timeout_, .most_bytes = kLargestOutput},
      [this, name](Result<runtime::ProgramRun::End> end) {
        const auto at = running_.find(name);
        ended_.push_back(std::move(at->second));
        running_.erase(at);
        take(name, output_of(std::move(end)));
        settle();
      });
  if (auto started = program->start(processes_); !started) {
    take(name, tl::unexpected<Error>(std::move(started).error()));
    return;
  }
  running_.emplace(name, std::move(program));
}

void ExternalFacts::take(const std::string& name, Result<std::string> text) {
  auto& outcome = outcomes_[name];
  if (!text) {
    outcome.error = text.error().text();
    return;
  }
  auto facts = parse_external(*text);
  if (!facts) {
    outcome.error = facts.error().text();
    return;
  }
  outcome.facts = *std::move(facts);
  outcome.error.clear();
}

void ExternalFacts::settle() {
  if (looking_ || !running_.empty()) {
    return;
  }
  for (auto& done : std::exchange(waiting_, {})) {
    done();
  }
}

}  // namespace steward::handlers::facts
