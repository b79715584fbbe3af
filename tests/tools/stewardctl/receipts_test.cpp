#include "tools/stewardctl/receipts.hpp"

#include "subjects/bus/memory_bus.hpp"

#include <doctest/doctest.h>

namespace steward::tests::receipts_test {

using steward::ErrorCode;
using steward::bus::MemoryBus;
using steward::bus::Message;
using steward::ctl::read_receipt;
using steward::ctl::Receipts;
using steward::ctl::Session;
using steward::ctl::Settings;

namespace {

Message receipt(const std::string& payload) { return {"_INBOX.1", {}, payload, {}}; }

constexpr const char* kFull =
    R"({"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},)"
    R"("stream":"COMMANDS","seq":0})";

}  // namespace

TEST_CASE("receipt: a stored message, a full stream, any other refusal, nobody there") {
  CHECK(read_receipt(receipt(R"({"stream":"COMMANDS", "seq":1})")));
  CHECK(read_receipt(receipt(R"({"stream":"COMMANDS","seq":1,"duplicate":true})")));

  const auto full = read_receipt(receipt(kFull));
  REQUIRE_FALSE(full);
  CHECK(full.error().code == ErrorCode::no_space);
  CHECK(full.error().message.find(
            "the broker's stream COMMANDS is full (maximum bytes exceeded)") == 0);

  const auto other = read_receipt(
      receipt(R"({"error":{"code":400,"err_code":10060,"description":"odd"},"stream":"X"})"));
  REQUIRE_FALSE(other);
  CHECK(other.error().code == ErrorCode::io);
  CHECK(other.error().message == "the broker does not keep it: odd");

  auto nobody = receipt("");
  nobody.headers.add("Status", "503");
  CHECK(read_receipt(nobody).error().code == ErrorCode::unavailable);
  CHECK_FALSE(read_receipt(receipt("")));
  CHECK_FALSE(read_receipt(receipt("[]")));
}

TEST_CASE("receipts: each message is counted once, and what is no receipt is left alone") {
  auto own = std::make_unique<MemoryBus>();
  MemoryBus* bus = own.get();
  Session session(std::move(own), Session::new_inbox(), Settings());
  const auto receipts = Receipts::open(session);
  REQUIRE(receipts);
  std::vector<Message> messages(3);
  for (auto& message : messages) {
    (*receipts)->ask_for(message);
  }
  CHECK_FALSE((*receipts)->complete());
  const auto say = [bus](const std::string& subject, const std::string& payload) {
    REQUIRE(bus->publish({subject, {}, payload, {}}));
  };
  const std::string good = R"({"stream":"COMMANDS","seq":1})";
  say(messages[0].reply, good);
  say(messages[0].reply, good);
  say(messages[1].reply, good);
  REQUIRE(session.listen("other"));
  say("other", "{}");
  std::size_t left_alone = 0;
  for (const auto& delivery : session.take()) {
    left_alone += (*receipts)->take(delivery) ? 0 : 1;
  }
  CHECK(left_alone == 1);
  CHECK((*receipts)->stored() == 2);
  CHECK_FALSE((*receipts)->complete());

  SUBCASE("all are kept") {
    say(messages[2].reply, good);
    for (const auto& delivery : session.take()) {
      CHECK((*receipts)->take(delivery));
    }
    CHECK((*receipts)->stored() == (*receipts)->asked());
    CHECK((*receipts)->complete());
    CHECK_FALSE((*receipts)->refusal());
  }
  SUBCASE("one is refused") {
    say(messages[2].reply, kFull);
    for (const auto& delivery : session.take()) {
      CHECK((*receipts)->take(delivery));
    }
    CHECK((*receipts)->stored() == 2);
    CHECK((*receipts)->complete());
    REQUIRE((*receipts)->refusal());
    CHECK((*receipts)->refusal()->code == ErrorCode::no_space);
  }
}

}  // namespace steward::tests::receipts_test
