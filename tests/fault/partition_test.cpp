#include "tests/fault/support/load.hpp"
#include "tests/fault/support/namespaces.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

namespace steward::tests::partition_test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

// A dead link is noticed after two pings of 10 s without an answer, and is found again within the
// longest pause between two tries, 10 s.
constexpr seconds kNoticeLimit{35};

std::unique_ptr<Fleet> behind(const Cable& cable) {
  Fleet::Options options;
  options.unit_network = cable.unit_network();
  options.nats_arguments = {"-a", "0.0.0.0"};
  options.unit_host = Cable::broker_host();
  return Fleet::start(options);
}

// Commands before, during and after; while the cable is cut none of the latter has an end.
void part(const std::function<void(Cable&)>& cut, const std::function<void(Cable&)>& mend) {
  if (!Cable::available()) {
    return;
  }
  Cable cable;
  const auto fleet = behind(cable);
  if (!fleet) {
    return;
  }
  Operator eva(fleet->url());
  Load load(*fleet, eva);
  load.give(20);
  REQUIRE_MESSAGE(load.finish(minutes(1)), load.stuck());

  load.give(20);  // on their way, running, or ended and not acknowledged
  cut(cable);
  load.give(40);
  const auto parted = Steady::now();
  const auto is_down = [&] {
    eva.insist();
    const auto row = eva.unit(Fleet::name_of(0));
    return row && row->state == wire::UnitState::down;
  };
  const auto noticed = [&] {
    eva.insist();
    return fleet->unit(0).log().find("connection lost") != std::string::npos;
  };
  const bool heard_nothing = fleet->tend_until(is_down, seconds(10));
  REQUIRE(fleet->tend_until(noticed, kNoticeLimit));
  MESSAGE("the unit noticed after ",
          std::chrono::duration_cast<seconds>(Steady::now() - parted).count(),
          " s; the station ",
          std::string(heard_nothing ? "saw it down" : "still heard it"));
  std::optional<wire::UnitRow> open;
  REQUIRE(fleet->tend_until(
      [&] {
        open = eva.unit(Fleet::name_of(0));
        return open.has_value();
      },
      seconds(60)));
  CHECK(open->commands.open >= 40);  // else nothing was cut, and nothing is proven

  mend(cable);
  CHECK_MESSAGE(load.finish(minutes(2)), load.stuck());
  const auto outcome = load.check(Load::Interrupted::none);
  CHECK(outcome.done == load.given());
  const auto order = load.effects(0);
  if (eva.insisted() > 0) {
    MESSAGE("the broker was slow to say that it keeps them: ",
            eva.insisted(),
            " were published twice, and the order is not looked at");
    return;
  }
  std::string shown;
  for (const auto number : order) {
    shown += std::to_string(number) + " ";
  }
  CHECK_MESSAGE(std::is_sorted(order.begin(), order.end()), shown);
}

}  // namespace

TEST_CASE("fault: a link cut both ways, unnoticed at first, loses nothing and keeps the order") {
  part([](Cable& cable) { cable.cut(Cable::Way::both); }, [](Cable& cable) { cable.mend(); });
}

TEST_CASE("fault: a unit that still speaks but hears nothing loses nothing") {
  part([](Cable& cable) { cable.cut(Cable::Way::to_units); }, [](Cable& cable) { cable.mend(); });
}

TEST_CASE("fault: a unit that still hears but is not heard loses nothing") {
  part([](Cable& cable) { cable.cut(Cable::Way::from_units); }, [](Cable& cable) { cable.mend(); });
}

TEST_CASE("fault: a plug that is pulled and put back loses nothing") {
  part([](Cable& cable) { cable.unplug(); }, [](Cable& cable) { cable.plug(); });
}

}  // namespace steward::tests::partition_test
