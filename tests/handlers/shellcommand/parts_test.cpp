// The pure parts: what is kept, cut, spooled, matched, planned.

#include "handlers/shellcommand/fit.hpp"
#include "handlers/shellcommand/kept_output.hpp"
#include "handlers/shellcommand/line_watch.hpp"
#include "handlers/shellcommand/plan.hpp"
#include "handlers/shellcommand/spool.hpp"
#include "tests/handlers/shellcommand/harness.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace steward::handlers::shellcommand::parts_test {

TEST_CASE("ring: holds the last bytes whatever the sizes of the pieces and changes of the limit") {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Ring ring;
    std::string all;
    std::size_t limit = 1 + random() % 50;
    for (int piece = 0; piece < 30; ++piece) {
      std::string bytes(random() % 70, ' ');
      for (char& c : bytes) {
        c = static_cast<char>('a' + random() % 26);
      }
      all += bytes;
      ring.push(bytes, limit);
      CHECK(ring.size() <= limit);
      CHECK(all.ends_with(ring.text()));
      CHECK(ring.size() == std::min(all.size(), limit));
      if (random() % 10 == 0) {
        limit = 1 + limit / 2;
        ring.shrink(limit);
        CHECK(all.ends_with(ring.text()));
        all = ring.text();
      }
    }
  }
}

TEST_CASE("kept output: two streams stay within one budget, each with at least half the tail") {
  KeptOutput kept(1000, wire::OutputKeep::headtail);
  for (int i = 0; i < 500; ++i) {
    kept.add(1, std::string(100, 'o'));
    kept.add(2, std::string(7, 'e'));
  }
  const auto out = kept.result(1);
  const auto err = kept.result(2);
  CHECK(out.head.size() + out.tail.size() + err.head.size() + err.tail.size() <= 1000);
  CHECK(out.tail.size() >= 250);
  CHECK(err.tail.size() == 250);
  CHECK(out.total_bytes == 50'000);
  CHECK(err.total_bytes == 3'500);
}

TEST_CASE("kept output: one stream alone has the whole budget") {
  KeptOutput kept(1000, wire::OutputKeep::headtail);
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = std::to_string(i) + "\n";
    kept.add(2, piece);
    all += piece;
  }
  const auto err = kept.result(2);
  CHECK(err.head == all.substr(0, 500));
  CHECK(err.tail == all.substr(all.size() - 500));
  CHECK(kept.result(1).total_bytes == 0);
}

TEST_CASE("fit: any bytes fit after it, text stays text, and what is left out is said") {
  const auto of = [](std::string bytes) {
    wire::ShellResult result;
    result.out.total_bytes = bytes.size();
    result.out.head = std::move(bytes);
    return result;
  };
  std::string umlauts;
  while (umlauts.size() < 700'001) {
    umlauts += "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
  }
  for (const std::string& bytes : {std::string(700'000, '\0'),
                                   std::string(700'000, 'x'),
                                   std::string(700'000, '\xff'),
                                   std::string(600'000, 'x') + std::string(100'000, '\x01'),
                                   umlauts}) {
    auto result = of(bytes);
    fit(result, wire::OutputEncoding::automatic, 400'000);
    CHECK(wire::encode(result, wire::OutputEncoding::automatic).size() < 401'000);
    CHECK(result.out.truncated);
    CHECK(bytes.starts_with(result.out.head));
    CHECK(bytes.ends_with(result.out.tail));
    CHECK(result.out.head.size() + result.out.tail.size() > 60'000);
  }
  auto text = of(umlauts);
  fit(text, wire::OutputEncoding::automatic, 400'000);
  CHECK(wire::encode(text, wire::OutputEncoding::automatic).find("_b64") == std::string::npos);
  auto flood = of(std::string(700'000, '\xff'));
  flood.err.head = std::string(1000, 'e');
  flood.err.total_bytes = 1000;
  fit(flood, wire::OutputEncoding::automatic, 400'000);
  CHECK(flood.out.truncated);
  CHECK(!flood.err.truncated);
  CHECK(flood.err.head.size() == 1000);
  auto small = of("small");
  fit(small, wire::OutputEncoding::automatic, 400'000);
  CHECK(small.out.head == "small");
  CHECK(!small.out.truncated);
}

TEST_CASE("line watch: finds a line over the borders of reads, per stream, once") {
  LineWatch watch(*wire::Pattern::compile("^ready$"));
  CHECK(!watch.feed(1, "not ready\nre"));
  CHECK(!watch.feed(2, "ad"));
  CHECK(!watch.feed(1, "a"));
  CHECK(watch.feed(1, "dy\nmore") == "ready");
  CHECK(!watch.feed(1, "\nready\n"));
  LineWatch long_lines(*wire::Pattern::compile("needle"));
  CHECK(!long_lines.feed(1, std::string(10'000'000, 'x') + "needle"));
  CHECK(long_lines.feed(1, "\nneedle").has_value());
}

TEST_CASE("spool: gives back in order what it was given, and drops the middle over its quota") {
  Harness harness;
  Spool spool(harness.folder / "spool", 10'000);
  CHECK(spool.empty());
  const auto chunk = [](std::uint64_t number) {
    return Chunk{
        number % 2 == 0 ? 1 : 2, number, std::string(84, static_cast<char>('a' + number % 26))};
  };
  for (std::uint64_t i = 0; i < 1000; ++i) {
    spool.add(chunk(i));
  }
  std::vector<std::uint64_t> numbers;
  while (auto next = spool.front()) {
    CHECK(next->bytes == chunk(next->offset).bytes);
    CHECK(next->fd == chunk(next->offset).fd);
    numbers.push_back(next->offset);
    spool.pop();
  }
  CHECK(spool.empty());
  CHECK(std::is_sorted(numbers.begin(), numbers.end()));
  CHECK(numbers.size() <= 100);
  CHECK(numbers.size() >= 80);
  CHECK(numbers[47] == 47);
  CHECK(numbers.back() == 999);
  spool.add(chunk(1));  // again from empty
  CHECK(spool.front()->offset == 1);
  Spool none(harness.folder / "spool", 0);
  none.add(chunk(1));
  CHECK(none.empty());
  CHECK(std::filesystem::is_empty(harness.folder / "spool"));  // files without names
}

TEST_CASE("plan: a summary for people masks the values of secret variables") {
  wire::ShellRun run;
  run.shell = "curl -u me:hunter2 http://x; echo hunter2";
  run.env = {{"PASSWORD", "hunter2"}, {"EMPTY", ""}};
  run.secret_env = {"PASSWORD", "EMPTY", "ABSENT"};
  CHECK(summary(run) == "curl -u me:*** http://x; echo ***");
  run.shell = std::string(1000, 'x');
  CHECK(summary(run).size() < 130);
}

}  // namespace steward::handlers::shellcommand::parts_test
