#pragma once

#include "subjects/wire/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace steward::runtime {

// What is there of a run's output, in the files of its shim. Any thread.

struct ShimPiece {
  std::uint64_t offset = 0;  // of the first byte; more than was asked for: what was before is gone
  std::string bytes;         // empty: nothing from there on
  std::uint64_t total = 0;   // of all that ever came
};

// Of one stream, the first bytes at or behind an offset that are there together. Errors: io.
[[nodiscard]] Result<ShimPiece> read_shim_output(const std::filesystem::path& folder,
                                                 int stream,
                                                 std::uint64_t offset,
                                                 std::size_t most);

// The last lines, at most so many bytes of them.
std::string last_shim_lines(const std::filesystem::path& folder,
                            int stream,
                            std::size_t lines,
                            std::size_t most);

}  // namespace steward::runtime
