#include "handlers/syslogforwarding/parse/framer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::handlers::syslogforwarding::framer_test {
namespace {

using Texts = std::vector<std::string>;

// What comes out, however the bytes are cut on their way.
Texts framed(const std::string& bytes, std::size_t step, std::size_t most = 20) {
  Framer framer(most);
  Texts texts;
  const auto take = [&texts](std::string_view message, std::size_t whole) {
    texts.push_back(std::string(message) + (whole == 0 ? "" : "|" + std::to_string(whole)));
  };
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    framer.feed(std::string_view(bytes).substr(at, step), take);
  }
  framer.end(take);
  return texts;
}

}  // namespace

TEST_CASE("framer: counts, line feeds and NUL are told apart, in pieces of every size") {
  const std::vector<std::pair<std::string, Texts>> rows = {
      {"<1>a\n<1>b\r\n\n<1>c", {"<1>a", "<1>b", "<1>c"}},
      {std::string("<1>a\0<1>b\nc\0", 12), {"<1>a", "<1>b\nc"}},
      {"4 <1>a6 <1>b\nc5 <1>d\n", {"<1>a", "<1>b\nc", "<1>d"}},
      {"12 monkeys\n<1>b\n", {"12 monkeys", "<1>b"}},
      {"4 <1>a<1>b\n4 <1>c", {"<1>a", "<1>b", "<1>c"}},
      {"abcdefghijklmnopqrstuvwxyz\nx\n", {"abcdefghijklmnopqrst|26", "x"}},
      {"26 <1>defghijklmnopqrstuvwxyz<1>b\n", {"<1>defghijklmnopqrst|26", "<1>b"}},
      {"0 <1>a\n", {"0 <1>a"}},
  };
  for (const auto& [bytes, texts] : rows) {
    for (const std::size_t step : {1U, 2U, 3U, 7U, 1'000U}) {
      CAPTURE(bytes);
      CAPTURE(step);
      CHECK(framed(bytes, step) == texts);
    }
  }
}

TEST_CASE("framer: a message without an end is held to its bound") {
  const std::string endless(100'000, 'x');
  CHECK(framed(endless, 1'000) == Texts{std::string(20, 'x') + "|100000"});
}

}  // namespace steward::handlers::syslogforwarding::framer_test
