#include "subjects/bus/nats_bus.hpp"
#include "subjects/wire/envelope.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

Result<Exit> version(Invocation& invocation) {
  const std::string library = bus::library_version();
  invocation.console.out(
      invocation.is_table()
          ? fmt::format(
                "stewardctl {} (wire {}, {})\n", STEWARD_VERSION, wire::kWireVersion, library)
          : wire::dump_json({{"version", STEWARD_VERSION},
                             {"wire", wire::kWireVersion},
                             {"library", library}}) +
                "\n");
  return Exit::ok;
}

}  // namespace

Verb version_verb() {
  return {
      "version",
      "of this program, its contract and NATS library",
      "",
      "stewardctl version\nstewardctl version -o json",
      TakesCommand::no,
      [](Syntax&) -> Action { return [](Invocation& invocation) { return version(invocation); }; }};
}

}  // namespace steward::ctl
