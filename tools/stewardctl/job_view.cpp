#include "tools/stewardctl/job_view.hpp"

#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/unit_output.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBarWidth = 20;
constexpr milliseconds kBarDelay{300};  // nothing flickers for what is done at once

std::string bar(std::size_t part, std::size_t whole, Letters letters) {
  const std::size_t filled = whole == 0 ? 0 : kBarWidth * part / whole;
  std::string out;
  for (std::size_t i = 0; i < kBarWidth; ++i) {
    if (letters == Letters::ascii) {
      out += i < filled ? "#" : "-";
    } else {
      out += i < filled ? "█" : "░";
    }
  }
  return out;
}

std::string with_reason(std::string_view what, const UnitProgress& unit) {
  std::string out(what);
  for (const std::string& part : {unit.code, unit.message}) {
    if (!part.empty() && part != what) {
      out += ": " + one_line(part);
    }
  }
  return out;
}

// The time of the day, with the date where it is not within a day.
std::string expiry_text(wire::Timestamp expires) {
  const bool soon = expires - wall_clock() < std::chrono::hours(24);
  return soon ? clock_minutes(expires) : date_time(expires);
}

std::string process_text(const wire::ShellResult& result) {
  if (result.skipped) {
    return result.reason.empty() ? "skipped" : "skipped: " + one_line(result.reason);
  }
  if (!result.signal.empty()) {
    return fmt::format("killed by {}{}", result.signal, result.core_dumped ? ", core dumped" : "");
  }
  return result.exit_code ? fmt::format("exit {}", *result.exit_code) : "";
}

class TableView final : public JobView {
 public:
  TableView(Console& console, milliseconds silence) : console_(console), silence_(silence) {}

  void started(const JobProgress& progress) override {
    begun_ = UnitProgress::Clock::now();
    single_ = progress.units().size() == 1;
    std::size_t widest = 0;
    for (const UnitProgress& unit : progress.units()) {
      widest = std::max(widest, unit.unit.size());
    }
    name_width_ = widest;
    if (!single_ || console_.look().err_is_terminal) {
      console_.note(console_.look().err.paint(
          Paint::faint,
          fmt::format(
              "job {}  {}", progress.job().view(), counted(progress.units().size(), "unit"))));
    }
  }

  void acked(const UnitProgress& unit, milliseconds since) override {
    console_.detail(
        fmt::format("{} {} after {}ms", unit.unit, wire::word(*unit.state), since.count()));
  }

  void output(const UnitProgress& unit, const wire::ShellEvent& event) override {
    Streams& streams = streams_of(unit);
    if (event.type == wire::ShellEventType::output) {
      print(streams, event.fd, streams.outputs[index(event.fd)].take(event));
    } else {
      console_.detail(fmt::format("{} {}", unit.unit, wire::word(event.type)));
    }
  }

  void ended(const UnitProgress& unit, milliseconds) override {
    Streams& streams = streams_of(unit);
    const auto result = program_result(unit.result);
    if (result) {
      print(streams, 1, streams.outputs[0].complete(result->out));
      print(streams, 2, streams.outputs[1].complete(result->err));
    } else if (!unit.result.empty()) {
      const auto object = wire::parse_json(unit.result);
      print(streams, 1, (object ? object->dump(2) : unit.result) + "\n");
    }
    if (!single_) {
      console_.out(streams.lines[0].finish());
      console_.err(streams.lines[1].finish());
    } else if (!streams.ends_with_newline && console_.look().out_is_terminal) {
      console_.out("\n");
    }
  }

  void tick(const JobProgress& progress) override {
    const auto running = UnitProgress::Clock::now() - begun_;
    if (running >= kBarDelay) {
      console_.status(progress_line(progress.counts(),
                                    progress.units().size(),
                                    std::chrono::duration_cast<std::chrono::seconds>(running),
                                    console_.look().err.letters));
    }
  }

  void finished(const JobProgress& progress) override {
    console_.status("");
    const auto counts = progress.counts();
    if (console_.look().verbosity == Verbosity::quiet) {
      return;
    }
    // One unit that did its work, in a script: its output is all that is wanted.
    if (single_ && counts.done == 1 && !console_.look().err_is_terminal) {
      return;
    }
    const Style& style = single_ ? console_.look().err : console_.look().out;
    Table table({{""}, {""}, {"", Align::right}});
    for (const UnitProgress& unit : progress.units()) {
      table.add(row(unit, style));
    }
    const std::string text = table.render(style, std::nullopt, Table::Titles::hidden);
    if (single_) {
      console_.err(text);
    } else {
      console_.out(text);
      console_.note(
          fmt::format("{} ok, {} failed, {} pending", counts.done, counts.failed, counts.pending));
    }
    if (std::any_of(progress.units().begin(), progress.units().end(), [](const auto& unit) {
          return unit.given_up;
        })) {
      console_.note(fmt::format("Go on waiting: stewardctl jobs wait {}", progress.job().view()));
    }
  }

 private:
  struct Streams {
    std::array<StreamOutput, 2> outputs;
    std::array<LinePrefix, 2> lines;
    bool ends_with_newline = true;
  };

  static std::size_t index(int fd) { return fd == 2 ? 1 : 0; }

  Streams& streams_of(const UnitProgress& unit) {
    const auto known = streams_.find(unit.unit);
    if (known != streams_.end()) {
      return known->second;
    }
    const auto prefix = [this, &unit](const Style& style) {
      return style.paint(
          Paint::faint,
          fmt::format(
              "{:<{}} {} ", unit.unit, name_width_, style.letters == Letters::ascii ? "|" : "│"));
    };
    return streams_
        .emplace(unit.unit,
                 Streams{{},
                         {LinePrefix(prefix(console_.look().out)),
                          LinePrefix(prefix(console_.look().err))}})
        .first->second;
  }

  void print(Streams& streams, int fd, const std::string& bytes) {
    if (bytes.empty()) {
      return;
    }
    streams.ends_with_newline = bytes.back() == '\n';
    const std::string text = single_ ? bytes : streams.lines[index(fd)].feed(bytes);
    if (!text.empty()) {
      fd == 2 ? console_.err(text) : console_.out(text);
    }
  }

  std::vector<Cell> row(const UnitProgress& unit, const Style& style) const {
    const auto head = [&unit, &style](Mark mark) {
      return fmt::format("{} {}", style.mark(mark), unit.unit);
    };
    switch (unit.outcome()) {
      case Outcome::ok:
        return {{head(Mark::good), Paint::good}, {ending_text(unit)}, {duration(unit)}};
      case Outcome::pending:
        return {{head(Mark::partial), Paint::warning}, {pending_text(unit)}};
      case Outcome::failed:
      case Outcome::denied:
        break;
    }
    return {{head(Mark::bad), Paint::bad}, {ending_text(unit)}, {duration(unit)}};
  }

  static std::string duration(const UnitProgress& unit) {
    const auto result = program_result(unit.result);
    return result ? short_duration(result->duration) : "";
  }

  std::string pending_text(const UnitProgress& unit) const {
    const std::string until =
        unit.expires ? fmt::format(" until {}", expiry_text(*unit.expires)) : "";
    if (unit.state && !unit.given_up) {
      return std::string(wire::word(*unit.state));
    }
    if (!unit.state) {
      return fmt::format("queued{}: no word after {}", until, short_age(silence_));
    }
    return fmt::format("{}, no result after {}: it follows when the unit is back",
                       wire::word(*unit.state),
                       short_age(silence_));
  }

  Console& console_;
  const milliseconds silence_;
  UnitProgress::Clock::time_point begun_;
  bool single_ = false;
  std::size_t name_width_ = 0;
  std::map<std::string, Streams> streams_;
};

class NameView final : public JobView {
 public:
  explicit NameView(Console& console) : console_(console) {}

  void started(const JobProgress& progress) override { console_.out(progress.job().str() + "\n"); }

  void acked(const UnitProgress&, milliseconds) override {}

  void output(const UnitProgress&, const wire::ShellEvent&) override {}

  void ended(const UnitProgress&, milliseconds) override {}

  void tick(const JobProgress&) override {}

  void finished(const JobProgress&) override {}

 private:
  Console& console_;
};

}  // namespace

std::string ending_text(const UnitProgress& unit) {
  using wire::CommandState;
  const CommandState state = unit.state.value_or(CommandState::sent);
  const auto result = program_result(unit.result);
  const std::string process = result ? process_text(*result) : "";
  switch (state) {
    case CommandState::done:
      return process.empty() ? "done" : process;
    case CommandState::failed:
      return process.empty() ? with_reason("failed", unit) : process;
    case CommandState::timed_out:
      return process.empty() ? "timed out" : "timed out, " + process;
    default:
      return with_reason(wire::word(state), unit);
  }
}

std::string progress_line(const JobProgress::Counts& counts,
                          std::size_t units,
                          std::chrono::seconds running,
                          Letters letters) {
  const std::size_t ended = counts.done + counts.failed;
  return fmt::format(" acked [{}] {}/{}   done [{}] {}/{}  {}:{:02}",
                     bar(counts.acked, units, letters),
                     counts.acked,
                     units,
                     bar(ended, units, letters),
                     ended,
                     units,
                     running.count() / 60,
                     running.count() % 60);
}

std::unique_ptr<JobView> table_job_view(Console& console, milliseconds silence) {
  return std::make_unique<TableView>(console, silence);
}

std::unique_ptr<JobView> name_job_view(Console& console) {
  return std::make_unique<NameView>(console);
}

std::unique_ptr<JobView> job_view(const Invocation& invocation, milliseconds silence) {
  switch (invocation.format) {
    case Format::json:
      return json_job_view(invocation.console);
    case Format::jsonl:
      return jsonl_job_view(invocation.console);
    case Format::name:
      return name_job_view(invocation.console);
    case Format::raw:
    case Format::table:
    case Format::wide:
      break;
  }
  return table_job_view(invocation.console, silence);
}

}  // namespace steward::ctl
