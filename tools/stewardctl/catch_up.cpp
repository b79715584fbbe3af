#include "tools/stewardctl/catch_up.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/text.hpp"
#include "tools/stewardctl/ask_units.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace steward::ctl {

namespace {

// One stream of one unit, and how far it has been shown.
struct Backlog {
  const UnitProgress* unit = nullptr;
  int fd = 1;
  std::uint64_t shown = 0;
  bool complete = false;
};

std::string bytes_of(const nlohmann::json& answer) {
  if (answer.contains("b64")) {
    return wire::parse_base64(answer.value("b64", "")).value_or("");
  }
  return answer.value("data", "");
}

// What a unit has answered; a stream whose end is reached, or of which nothing came, is complete.
void show_progress(Backlog& stream, const UnitProgress& answer, JobView& view) {
  stream.complete = true;
  const auto parsed = wire::parse_json(answer.result);
  if (answer.outcome() != Outcome::ok || !parsed || !parsed->is_object()) {
    return;
  }
  wire::ShellEvent event{.ref = stream.unit->command, .type = wire::ShellEventType::output};
  event.fd = stream.fd;
  event.offset = parsed->value("offset", std::uint64_t{0});
  event.bytes = bytes_of(*parsed);
  if (event.bytes.empty()) {
    return;
  }
  stream.shown = event.offset + event.bytes.size();
  stream.complete = stream.shown >= parsed->value("total_bytes", std::uint64_t{0});
  view.output(*stream.unit, event);
}

}  // namespace

Result<void> catch_up(Session& session,
                      const JobProgress& progress,
                      JobView& view,
                      Patience patience,
                      std::function<void(const Delivery&)> others) {
  std::vector<Backlog> streams;
  for (const UnitProgress& unit : progress.units()) {
    if (unit.state == wire::CommandState::running) {
      streams.push_back({&unit, 1});
      streams.push_back({&unit, 2});
    }
  }
  while (true) {
    std::vector<Backlog*> open;
    for (Backlog& stream : streams) {
      if (!stream.complete) {
        open.push_back(&stream);
      }
    }
    if (open.empty()) {
      return {};
    }
    std::vector<UnitQuestion> questions;
    questions.reserve(open.size());
    for (const Backlog* stream : open) {
      questions.push_back({stream->unit->unit,
                           wire::dump_json({{"op", "output"},
                                            {"ref", stream->unit->command.view()},
                                            {"fd", stream->fd},
                                            {"offset", stream->shown}})});
    }
    STEWARD_TRY(
        const auto answers,
        ask_units(session, progress.method(), progress.domain(), questions, patience, others));
    for (std::size_t i = 0; i < open.size(); ++i) {
      show_progress(*open[i], answers.units()[i], view);
    }
  }
}

}  // namespace steward::ctl
