#include "subjects/bus/mailbox.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

namespace steward::tests::mailbox_test {

using steward::bus::Mailbox;

TEST_CASE("mailbox: takes all in order, and wakes once for each emptying") {
  int wakes = 0;
  Mailbox<int> box(10, [&wakes] { ++wakes; });
  CHECK(box.push(1));
  CHECK(box.push(2));
  CHECK(wakes == 1);
  CHECK(box.take() == std::vector<int>{1, 2});
  CHECK(box.take().empty());
  CHECK(box.push(3));
  CHECK(wakes == 2);
}

TEST_CASE("mailbox: a full one leaves the thing with its owner") {
  Mailbox<std::unique_ptr<int>> box(1, [] {});
  CHECK(box.push(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  CHECK(!box.push(std::move(second)));
  REQUIRE(second);
  CHECK(*second == 2);
}

TEST_CASE("mailbox: a closed one refuses, and gives what it has") {
  Mailbox<int> box(10, [] {});
  CHECK(box.push(1));
  box.close();
  CHECK(!box.push(2));
  CHECK(box.take() == std::vector<int>{1});
}

TEST_CASE("mailbox: four writers and one reader lose nothing and keep each writer's order") {
  constexpr int kWriters = 4;
  constexpr int kEach = 5'000;
  std::counting_semaphore<> woken(0);
  Mailbox<std::pair<int, int>> box(64, [&woken] { woken.release(); });
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([writer, &box] {
      for (int i = 0; i < kEach; ++i) {
        while (!box.push({writer, i})) {
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<int> next(kWriters, 0);
  bool in_order = true;
  for (int taken = 0; taken < kWriters * kEach;) {
    woken.acquire();
    for (const auto& [writer, i] : box.take()) {
      in_order = in_order && i == next[static_cast<std::size_t>(writer)]++;
      ++taken;
    }
  }
  for (auto& writer : writers) {
    writer.join();
  }
  CHECK(in_order);
}

}  // namespace steward::tests::mailbox_test
