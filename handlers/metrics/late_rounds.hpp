#pragma once

#include "handlers/runtime/fd.hpp"
#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace steward::handlers::metrics {

// Rounds that nobody could hear, in a file, until they are said. Where it becomes too large the
// oldest ones are thinned: to one a minute, then ten minutes, then an hour; then they go. A power
// cut may cost the last ones. On the handler's thread.
class LateRounds {
 public:
  // At most so many bytes; 0: none are kept.
  LateRounds(std::filesystem::path file, std::size_t most_bytes);

  bool wanted() const { return most_ > 0; }

  // Those that an earlier agent has left; what is damaged is dropped. Errors: io, permission.
  [[nodiscard]] Result<void> load();

  // Keeps a round's payload; `schema` is asked for its list of series where that is not there yet.
  // Errors: io, no_space, permission.
  [[nodiscard]] Result<void> keep(std::string_view round,
                                  const std::function<std::string()>& schema);

  // Rounds that wait.
  std::size_t rounds() const { return rounds_; }

  bool empty() const { return entries_.empty(); }

  // The payload that is to be said first: a list of series, or a round. Errors: io.
  [[nodiscard]] Result<std::string> first() const;

  bool first_is_round() const { return entries_.front().is_round; }

  // It was said.
  void drop_first();

  // Rounds that were thinned out or found no room.
  std::uint64_t thinned() const { return thinned_; }

 private:
  struct Entry {
    std::uint64_t offset = 0;  // of the payload
    std::uint32_t length = 0;
    bool is_round = false;
    std::uint64_t schema = 0;  // the hash
    std::chrono::milliseconds time{0};
  };

  static Result<Entry> entry_of(std::string_view payload);
  Result<void> open();
  Result<void> append(std::string_view payload);
  Result<std::string> read(const Entry& entry) const;
  void read_entries();
  Result<void> thin();
  std::size_t thin_to(std::chrono::milliseconds gap, std::size_t bytes);
  Result<void> write_anew();
  void forget_all();

  const std::filesystem::path path_;
  const std::size_t most_;
  runtime::Fd file_;
  std::uint64_t end_ = 0;  // where the next one goes
  std::deque<Entry> entries_;
  std::optional<Entry> said_schema_;  // the list of series that was said for the first round
  std::size_t rounds_ = 0;
  std::uint64_t last_schema_ = 0;  // of the last entry
  std::uint64_t thinned_ = 0;
};

}  // namespace steward::handlers::metrics
