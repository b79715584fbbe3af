#pragma once

#include "steward/moment.hpp"
#include "subjects/wire/names.hpp"
#include "tests/support/temporary_folder.hpp"

#include <chrono>
#include <string>

namespace steward::station::test {

// Time that moves only when it is told to.
class Script {
 public:
  Moment now() const { return {std::chrono::steady_clock::time_point(passed_), start_ + passed_}; }

  Moment after(std::chrono::milliseconds step) {
    passed_ += step;
    return now();
  }

 private:
  wire::Timestamp start_{std::chrono::seconds(1'790'000'000)};
  std::chrono::milliseconds passed_{1'000'000};
};

inline wire::NodeName node(const std::string& name) { return *wire::NodeName::parse(name); }

// The id of that number.
inline wire::MessageId id(std::uint64_t number) {
  return wire::MessageId::make(1'790'000'000'000 + number, {});
}

using Folder = tests::TemporaryFolder;

}  // namespace steward::station::test
