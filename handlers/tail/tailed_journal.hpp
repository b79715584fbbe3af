#pragma once

#include "handlers/runtime/system_journal.hpp"
#include "handlers/tail/tailed.hpp"

#include <memory>
#include <string>

namespace steward::handlers::tail {

// What a systemd unit says, from the journal, a line each: time, program, message.
class TailedJournal final : public Tailed {
 public:
  // `folder`: empty, this machine's. Errors: unsupported, not_found, permission, io.
  [[nodiscard]] static Result<std::unique_ptr<TailedJournal>> open(const std::string& folder,
                                                                   const std::string& unit,
                                                                   std::size_t lines);

  Result<Piece> read() override;

 private:
  explicit TailedJournal(std::unique_ptr<runtime::SystemJournal> journal)
      : journal_(std::move(journal)) {}

  const std::unique_ptr<runtime::SystemJournal> journal_;
};

}  // namespace steward::handlers::tail
