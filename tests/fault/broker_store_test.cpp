#include "tests/fault/support/load.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <filesystem>
#include <mutex>
#include <vector>

namespace steward::tests::broker_store_test {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono_literals::operator""s;

// A broker whose disk did not have what the broker had acknowledged: as after a loss of power.
class Story {
 public:
  explicit Story(Fleet& fleet)
      : eva(fleet.url()),
        load(fleet, eva),
        fleet_(fleet),
        store_(fleet.folder() / "jetstream"),
        copy_(fleet.folder() / "copy") {}

  // Some commands are done, and a copy of the store is taken; more are done for that time after it;
  // then some wait for a unit that is away, and some run at one that the station does not hear.
  void until_the_loss(std::chrono::seconds age = std::chrono::seconds(0)) {
    load.give(12);
    REQUIRE_MESSAGE(load.finish(minutes(1)), load.stuck());
    fleet_.broker().kill9();
    fs::copy(store_, copy_, fs::copy_options::recursive);
    fleet_.broker().restart();
    const auto until = std::chrono::steady_clock::now() + age;
    do {
      load.give(12);
      REQUIRE_MESSAGE(load.finish(minutes(1)), load.stuck());
    } while (std::chrono::steady_clock::now() < until);

    fleet_.take_down(fleet_.unit(0), SIGKILL);
    give_and_wait_until_known(12);
    before_ = last_of("COMMANDS");
    before_events_ = last_of("STATE");
    known_ = eva.given();
    fleet_.take_down(fleet_.station(), SIGKILL);
    load.give(12);  // unit 1 says their ends to the broker only
    REQUIRE(fleet_.tend_until(
        [this] {
          eva.insist();
          return eva.unstored() == 0 && last_of("STATE") >= before_events_ + 12;
        },
        minutes(1)));
    fleet_.broker().kill9();
  }

  // The broker and all others are back, and what was lost is given again by whoever had it.
  void after_the_loss() {
    fleet_.broker().restart();
    fleet_.bring_up(fleet_.station());
    REQUIRE(fleet_.tend_until([this] { return last_of("COMMANDS") >= 0; }, minutes(1)));
    MESSAGE("COMMANDS ended at ", before_, ", ends now at ", last_of("COMMANDS"));
    CHECK(last_of("COMMANDS") < before_);  // else nothing was lost, and nothing is proven
    fleet_.bring_up(fleet_.unit(0));
    eva.repeat(known_);  // what only the broker had is its sender's to give again: the same bytes
    CHECK_MESSAGE(load.finish(minutes(2)), load.stuck());
    const auto outcome = load.check(Load::Interrupted::none);
    CHECK(outcome.done == load.given());
  }

  const fs::path& store() const { return store_; }

  const fs::path& copy() const { return copy_; }

  Operator eva;
  Load load;

 private:
  void give_and_wait_until_known(std::size_t count) {
    load.give(count);
    REQUIRE(fleet_.tend_until(
        [this, count] {
          eva.insist();
          const auto row = eva.unit(Fleet::name_of(0));
          return eva.unstored() == 0 && row &&
                 row->commands.open == static_cast<std::int64_t>(count / fleet_.size());
        },
        minutes(1)));
  }

  // The number of the last message of a stream; -1 where there is none.
  std::int64_t last_of(const std::string& stream) {
    struct Answer {
      std::mutex mutex;
      std::string text;
    };

    auto answer = std::make_shared<Answer>();
    const auto inbox = eva.bus().new_inbox();
    const auto heard = eva.bus().subscribe(inbox, [answer](bus::Message&& message) {
      const std::lock_guard lock(answer->mutex);
      answer->text = std::move(message.payload);
    });
    REQUIRE(heard);
    static_cast<void>(
        eva.bus().publish({"$JS.API.STREAM.INFO." + stream, {}, "", inbox}).has_value());
    static_cast<void>(fleet_.tend_until(
        [&answer] {
          const std::lock_guard lock(answer->mutex);
          return !answer->text.empty();
        },
        std::chrono::seconds(2)));
    const std::lock_guard lock(answer->mutex);
    const auto info = nlohmann::json::parse(answer->text, nullptr, false);
    if (!info.is_object() || !info.contains("state")) {
      return -1;
    }
    return info["state"]["last_seq"].get<std::int64_t>();
  }

  Fleet& fleet_;
  const fs::path store_;
  const fs::path copy_;
  std::int64_t before_ = 0;
  std::int64_t before_events_ = 0;
  std::size_t known_ = 0;  // to the station, so that it is the one to give them again
};

std::unique_ptr<Fleet> two_units() { return Fleet::start({.units = 2}); }

}  // namespace

TEST_CASE("fault: a broker whose store is set back to an earlier time loses no command") {
  using Ages = std::vector<std::chrono::seconds>;
  for (const auto age : is_long() ? Ages{10s, 60s} : Ages{2s}) {
    CAPTURE(age.count());
    const auto fleet = two_units();
    if (!fleet) {
      return;
    }
    Story story(*fleet);
    story.until_the_loss(age);
    fs::remove_all(story.store());
    fs::copy(story.copy(), story.store(), fs::copy_options::recursive);
    story.after_the_loss();
  }
}

TEST_CASE("fault: a broker whose store is emptied loses no command") {
  const auto fleet = two_units();
  if (!fleet) {
    return;
  }
  Story story(*fleet);
  story.until_the_loss();
  fs::remove_all(story.store());
  story.after_the_loss();
}

TEST_CASE("fault: a broker whose store is cut short loses no command") {
  const auto fleet = two_units();
  if (!fleet) {
    return;
  }
  Story story(*fleet);
  story.until_the_loss();
  int cut = 0;
  for (const auto& file : fs::recursive_directory_iterator(story.store())) {
    if (file.path().extension() == ".blk" && file.file_size() > 0) {
      fs::resize_file(file.path(), file.file_size() / 2);
      ++cut;
    }
  }
  CHECK(cut > 0);
  story.after_the_loss();
}

}  // namespace steward::tests::broker_store_test
