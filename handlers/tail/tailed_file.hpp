#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/tail/tailed.hpp"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace steward::handlers::tail {

// A file as it grows, under whatever name it gets: one that is made in its place is gone on with
// once the old one is read to its end.
class TailedFile final : public Tailed {
 public:
  // `folders`: only files in these, or below, may be read; a link that leads out of them is none.
  // Begins that many lines before its end. Errors: permission, not_found, io.
  [[nodiscard]] static Result<std::unique_ptr<TailedFile>> open(
      const std::vector<std::string>& folders, const std::string& path, std::size_t lines);

  Result<Piece> read() override;

 private:
  TailedFile(std::vector<std::string> folders, std::string path)
      : folders_(std::move(folders)), path_(std::move(path)) {}

  bool take_new_one();

  const std::vector<std::string> folders_;
  const std::string path_;
  runtime::Fd file_;
  std::uint64_t offset_ = 0;
};

}  // namespace steward::handlers::tail
