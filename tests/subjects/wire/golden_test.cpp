#include "tests/subjects/wire/golden.hpp"

#include "subjects/wire/envelope.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

namespace steward::wire::golden_test {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(STEWARD_SOURCE_DIR) / "tests/subjects/wire/golden";

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The headers of a golden message: the lines between its subject and the empty one.
Headers headers_of(const std::string& text) {
  Headers headers;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && !line.empty()) {
    const auto colon = line.find(": ");
    headers.add(line.substr(0, colon), line.substr(colon + 2));
  }
  return headers;
}

}  // namespace

// A golden file is a part of the contract. STEWARD_WRITE_GOLDEN=1 writes them anew: then the commit
// says what changed for the others on the bus.
TEST_CASE("golden: every kind of message is encoded byte for byte as the committed file has it") {
  const bool write = std::getenv("STEWARD_WRITE_GOLDEN") != nullptr;
  for (const auto& message : golden::messages()) {
    CAPTURE(message.name);
    if (write) {
      std::ofstream(kFolder / message.name, std::ios::binary) << message.text;
    }
    CHECK(contents(kFolder / message.name) == message.text);
    CHECK(message.again == message.payload);
    CHECK(message.payload.size() <= kMaxPayloadBytes);
  }
}

TEST_CASE("golden: every committed file is a message that this version makes") {
  std::set<std::string> names;
  for (const auto& message : golden::messages()) {
    CHECK(names.insert(message.name).second);
  }
  std::set<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
    files.insert(file.path().filename());
  }
  CHECK(files == names);
}

TEST_CASE("golden: the headers of every committed message decode and encode to the same headers") {
  const Fresh fresh{golden::fixed_id(99), Timestamp{}};
  int seen = 0;
  for (const auto& message : golden::messages()) {
    if (!message.name.ends_with(".txt")) {
      continue;
    }
    CAPTURE(message.name);
    const std::string text = contents(kFolder / message.name);
    const auto envelope = decode_envelope(
        text.substr(0, text.find('\n')), headers_of(text), Completeness::required, fresh);
    REQUIRE(envelope.has_value());
    CHECK(encode_envelope(*envelope) == headers_of(text));
    ++seen;
  }
  CHECK(seen >= 20);
}

}  // namespace steward::wire::golden_test
