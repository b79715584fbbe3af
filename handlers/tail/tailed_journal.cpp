#include "handlers/tail/tailed_journal.hpp"

#include "subjects/wire/time.hpp"

#include <utility>

namespace steward::handlers::tail {

Result<std::unique_ptr<TailedJournal>> TailedJournal::open(const std::string& folder,
                                                           const std::string& unit,
                                                           std::size_t lines) {
  STEWARD_TRY(auto journal, runtime::SystemJournal::open(folder, unit));
  if (auto sought = journal->seek_end(lines); !sought) {
    return tl::unexpected<Error>(std::move(sought).error());
  }
  return std::unique_ptr<TailedJournal>(new TailedJournal(std::move(journal)));
}

Result<Tailed::Piece> TailedJournal::read() {
  journal_->process();
  Piece piece;
  runtime::JournalEntry entry;
  while (piece.data.size() < kPiece) {
    STEWARD_TRY(const bool any, journal_->next(entry));
    if (!any) {
      return piece;
    }
    const wire::Timestamp written{std::chrono::microseconds(entry.written_us)};
    piece.data += wire::format_time(written) + " " + std::string(entry.program);
    if (!entry.pid.empty()) {
      piece.data += "[" + std::string(entry.pid) + "]";
    }
    piece.data += ": " + std::string(entry.message.substr(0, kPiece)) + "\n";
  }
  piece.more = true;
  return piece;
}

}  // namespace steward::handlers::tail
