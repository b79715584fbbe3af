#pragma once

#include "subjects/wire/names.hpp"

#include <cstddef>
#include <filesystem>

namespace steward::runtime {

// Which command a handler is being handed right now, written where the end of the process does not
// take it away: a small file in memory. So a command that ends the whole agent before anything of
// it stands in the ledger is known at the next start. Counts, for each of the last few such
// commands, how often that happened. One thread.
class CrashNotes {
 public:
  // Without a file: for as long as the process lives.
  CrashNotes();
  ~CrashNotes();
  CrashNotes(const CrashNotes&) = delete;
  CrashNotes& operator=(const CrashNotes&) = delete;

  // Takes the notes of an earlier process from that file, or makes it. Errors: permission,
  // no_space, io; the notes go on without a file.
  [[nodiscard]] Result<void> open(const std::filesystem::path& file);

  // How often that command has taken the handler or the agent down.
  int crashes(const wire::MessageId& id) const;

  // While it lives, that command is in the hands of the handler. Destroyed by an exception it
  // counts a crash.
  class Call {
   public:
    Call(CrashNotes& notes, const wire::MessageId& id);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    CrashNotes& notes_;
    std::size_t slot_;
    int exceptions_;
  };

 private:
  struct Slot;
  struct Page;

  Slot* find(const wire::MessageId& id) const;
  std::size_t take(const wire::MessageId& id);

  Page* page_;
  bool mapped_ = false;
};

}  // namespace steward::runtime
