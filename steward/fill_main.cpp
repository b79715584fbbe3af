#include "steward/store.hpp"
#include "subjects/bus/channel.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

// Makes a station.db as years of work leave it, through the station's own store: finished commands,
// one unit each, one in fifty failed. For measurements.
namespace steward::station {
namespace {

constexpr std::size_t kGroup = 5'000;

struct Order {
  std::string file;
  std::size_t commands = 1'000'000;
  std::size_t units = 1'000;
};

wire::Timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string unit_name(std::size_t number) { return "unit" + std::to_string(number); }

void add_step(Batch& batch,
              const CommandRecord& command,
              const std::string& unit,
              wire::CommandState state,
              std::chrono::milliseconds after) {
  const bool done = state == wire::CommandState::done;
  const bool failed = state == wire::CommandState::failed;
  std::string result;
  if (done || failed) {
    result = done ? R"({"exit_code":0,"duration_ms":12,"stdout":{"head":"Linux\\n"}})"
                  : R"({"exit_code":3,"duration_ms":12,"stderr":{"head":"no such file\\n"}})";
  }
  batch.steps.push_back({command.id,
                         unit,
                         state,
                         command.created + after,
                         state == wire::CommandState::sent ? SaidBy::station : SaidBy::unit,
                         {},
                         {},
                         std::move(result)});
}

void add_command(Batch& batch,
                 const bus::Channel::NewId& new_id,
                 std::size_t number,
                 const Order& order) {
  // One a second, up to now.
  const auto created = now() - std::chrono::seconds(order.commands - number);
  const std::string unit = unit_name(number % order.units);
  const auto id = new_id(created);
  const CommandRecord command{id,
                              id,
                              unit + ".command.shellcommand.operatingsystem",
                              "df -h /var/log",
                              "/operator/anna",
                              R"({"argv":["df","-h","/var/log"],"output":{"mode":"both"}})",
                              created,
                              created + std::chrono::hours(1)};
  const bool fails = number % 50 == 49;
  add_step(batch, command, unit, wire::CommandState::sent, std::chrono::milliseconds(0));
  add_step(batch, command, unit, wire::CommandState::accepted, std::chrono::milliseconds(2));
  add_step(batch, command, unit, wire::CommandState::running, std::chrono::milliseconds(3));
  add_step(batch,
           command,
           unit,
           fails ? wire::CommandState::failed : wire::CommandState::done,
           std::chrono::milliseconds(15));
  const wire::CommandCounts counts{0, fails ? 0 : 1, fails ? 1 : 0};
  batch.job_counts[id] = {1, counts};
  auto& of_unit = batch.unit_counts[unit].commands;
  of_unit.done += counts.done;
  of_unit.failed += counts.failed;
  batch.history.push_back(
      {0, created, unit, "command", command.subject + " by " + command.by + ": df -h /var/log"});
  batch.commands.push_back(command);
}

Result<void> fill(const Order& order) {
  STEWARD_TRY(const auto opened, Store::open(order.file, Store::Limits{}, now()));
  const auto new_id = bus::system_ids();
  Batch batch;
  for (std::size_t number = 0; number < order.units; ++number) {
    wire::UnitRow row;
    row.unit = unit_name(number);
    row.state = wire::UnitState::down;
    row.since = now();
    row.last_seen = now();
    row.source = "bye";
    row.hello.session = new_id(now()).str();
    row.hello.handlers = {{"shellcommand", "operatingsystem", "running", 0}};
    batch.units[row.unit] = row;
  }
  for (std::size_t number = 0; number < order.commands; ++number) {
    add_command(batch, new_id, number, order);
    if (batch.commands.size() >= kGroup || number + 1 == order.commands) {
      if (auto written = opened.store->commit(std::exchange(batch, {}), now()); !written) {
        return written;
      }
    }
  }
  return {};
}

int main(int argc, char** argv) {
  Order order;
  CLI::App app("Writes a large station.db, for measurements.");
  app.add_option("--file", order.file, "the database to make")->required();
  app.add_option("--commands", order.commands, "finished commands")->check(CLI::PositiveNumber);
  app.add_option("--units", order.units, "units")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  if (auto filled = fill(order); !filled) {
    std::cerr << "steward-fill: " << filled.error().text() << '\n';
    return 1;
  }
  std::cout << "filled\n";
  return 0;
}

}  // namespace
}  // namespace steward::station

int main(int argc, char** argv) { return steward::station::main(argc, argv); }
