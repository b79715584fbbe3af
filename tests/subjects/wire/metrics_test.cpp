#include "subjects/wire/metrics.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace steward::wire::metrics_test {
namespace {

using Numbers = std::vector<std::int64_t>;

MetricSchema schema_of_three() {
  return {{{"node_load1", MetricType::gauge, 1, 100},
           {"node_forks_total", MetricType::counter, 1, 1},
           {"node_disk_read_bytes_total{device=\"sda\"}", MetricType::counter, 512, 1}}};
}

MetricRoundHead head_of(std::uint64_t number, std::uint64_t base) {
  return {.schema = schema_of_three().hash(),
          .number = number,
          .base = base,
          .time = std::chrono::milliseconds(1'795'291'029'038),
          .took = std::chrono::microseconds(312)};
}

}  // namespace

TEST_CASE("metrics: a schema is itself again") {
  const auto schema = schema_of_three();
  const auto decoded = decode_metric_schema(encode(schema));
  REQUIRE(decoded);
  CHECK(*decoded == schema);
  CHECK(
      encode(schema) ==
      R"({"schema":"7ec0e0a686d2babb","series":[["node_load1","g",1,100],)"
      R"(["node_forks_total","c",1,1],["node_disk_read_bytes_total{device=\"sda\"}","c",512,1]]})");
}

TEST_CASE("metrics: a schema of other series has another hash") {
  auto other = schema_of_three();
  other.series[0].divisor = 1'000;
  CHECK(other.hash() != schema_of_three().hash());
  std::swap(other.series[0], other.series[1]);
  CHECK(other.hash() != schema_of_three().hash());
  auto told = encode(schema_of_three());
  told.replace(told.find("forks"), 5, "spoon");
  CHECK(decode_metric_schema(told).error().code == ErrorCode::bad_payload);
}

TEST_CASE("metrics: what is no schema") {
  const auto code = [](std::string_view payload) {
    return decode_metric_schema(payload).error().code;
  };
  CHECK(code("{}") == ErrorCode::bad_payload);
  CHECK(code(R"({"schema":"0","series":[["a","g",1]]})") == ErrorCode::bad_payload);
  CHECK(code(R"({"schema":"0","series":[["a","g",0,1]]})") == ErrorCode::bad_payload);
  CHECK(code(R"({"schema":"0","series":[["a","g",1,-1]]})") == ErrorCode::bad_payload);
  CHECK(code(R"({"schema":"0","series":[["a","x",1,1]]})") == ErrorCode::unsupported);
}

TEST_CASE("metrics: a series is named as Prometheus takes it, and by no unit's name") {
  const auto taken = [](const std::string& key) {
    return decode_metric_schema(encode(MetricSchema{{{key, MetricType::gauge, 1, 1}}})).has_value();
  };
  for (const auto* key : {"a", "_a:b9", "a{b=\"\"}", R"(a{b="c d",e="\\\"\n{},=é"})"}) {
    CHECK_MESSAGE(taken(key), key);
  }
  for (const auto* key : {"",
                          "9a",
                          "a b",
                          "a{}",
                          "a{b}",
                          "a{b=c}",
                          "a{b=\"c}",
                          "a{b=\"c\"",
                          "a{b=\"c\"}d",
                          "a{b=\"c\",}",
                          "a{,b=\"c\"}",
                          "a{b=\"c\"e=\"f\"}",
                          "a{b=\"\\x\"}",
                          "a{b=\"\\",
                          "a{b=\"c\nd\"}",
                          "a{b:c=\"d\"}",
                          "a 1\nsteward_unit_up",
                          "a{unit=\"ship2\"}",
                          "a{b=\"c\",unit=\"ship2\"}"}) {
    CHECK_FALSE_MESSAGE(taken(key), key);
  }
}

TEST_CASE("metrics: a round in full, byte by byte") {
  const auto payload = encode_metric_round(head_of(7, 0), Numbers{216, 0, kAbsent}, {});
  const std::string expected =
      std::string("\xb7\x01\xbb\xba\xd2\x86\xa6\xe0\xc0\x7e\x07\x00", 12) +  // to the base
      std::string("\xae\xbc\xbc\xfd\x9f\x34\xb8\x02", 8) +                   // times
      std::string("\xb2\x03\x00\x02\x00", 5);
  CHECK(payload == expected);
  CHECK(is_metric_round(payload));
  CHECK_FALSE(is_metric_round(encode(schema_of_three())));
  CHECK(*decode_metric_round_head(payload) == head_of(7, 0));
  CHECK(*decode_metric_numbers(payload, 3, {}) == Numbers{216, 0, kAbsent});
}

TEST_CASE("metrics: any numbers are themselves again, on any base") {
  std::minstd_rand chance(7);
  const auto any = [&chance]() -> std::int64_t {
    switch (chance() % 6) {
      case 0:
        return kAbsent;
      case 1:
        return kMostNumber;
      case 2:
        return -kMostNumber;
      case 3:
        return static_cast<std::int64_t>(chance()) * static_cast<std::int64_t>(chance());
      default:
        return 0;
    }
  };
  for (int round = 0; round < 2'000; ++round) {
    Numbers base(chance() % 40);
    Numbers numbers(base.size());
    for (std::size_t i = 0; i < base.size(); ++i) {
      base[i] = any();
      numbers[i] = chance() % 3 == 0 ? any() : base[i];
    }
    const auto full = encode_metric_round(head_of(1, 0), base, {});
    REQUIRE(*decode_metric_numbers(full, base.size(), {}) == base);
    const auto after = encode_metric_round(head_of(2, 1), numbers, base);
    REQUIRE(*decode_metric_numbers(after, base.size(), base) == numbers);
  }
}

TEST_CASE("metrics: a round that changes little is short") {
  Numbers base(450, 1'000'000);
  Numbers numbers = base;
  numbers[10] += 60;
  numbers[300] -= 60;
  CHECK(encode_metric_round(head_of(2, 1), numbers, base).size() < 32);
}

TEST_CASE("metrics: a round that was bent is an error or numbers, and nothing else") {
  std::minstd_rand chance(11);
  Numbers base(60);
  for (auto& number : base) {
    number = chance();
  }
  const auto whole = encode_metric_round(head_of(2, 1), Numbers(60, 5), base);
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bent = whole;
    for (unsigned wounds = 1 + chance() % 4; wounds > 0 && !bent.empty(); --wounds) {
      const std::size_t at = chance() % bent.size();
      chance() % 3 == 0 ? bent.resize(at)
                        : static_cast<void>(bent[at] = static_cast<char>(chance()));
    }
    const auto numbers = decode_metric_numbers(bent, base.size(), base);
    refused += numbers ? 0 : 1;
    REQUIRE((!numbers || numbers->size() == base.size()));
  }
  CHECK(refused > 1'000);
  CHECK_FALSE(decode_metric_numbers(whole, 59, base));
  CHECK_FALSE(decode_metric_numbers(whole, 60, {}));
  CHECK_FALSE(decode_metric_numbers(whole + "x", 60, base));
}

TEST_CASE("metrics: requests") {
  const auto request = decode_metrics_request(
      R"({"op":"set","interval_ms":500,"disabled":["edac"],"filters":{"disks":["sr*"],"x":1},"y":2})");
  REQUIRE(request);
  CHECK(request->op == MetricsRequest::Op::set);
  CHECK(request->interval == std::chrono::milliseconds(500));
  CHECK(request->disabled == std::vector<std::string>{"edac"});
  CHECK(request->disks == std::vector<std::string>{"sr*"});
  CHECK_FALSE(request->interfaces);
  CHECK(request->ignored == std::vector<std::string>{"filters.x", "y"});
  CHECK(decode_metrics_request("")->op == MetricsRequest::Op::status);
  CHECK(decode_metrics_request(R"({"op":"collect","values":true})")->values);
  CHECK_FALSE(decode_metrics_request(R"({"op":"set","interval_ms":99})"));
  CHECK(decode_metrics_request(R"({"op":"sing"})").error().code == ErrorCode::unsupported);
  CHECK_FALSE(decode_metrics_request(R"({"op":"set","must":["colour"],"colour":1})"));
}

}  // namespace steward::wire::metrics_test
