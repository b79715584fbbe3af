#pragma once

#include "handlers/runtime/fd.hpp"
#include "subjects/wire/error.hpp"

namespace steward::runtime {

struct PtySize {
  unsigned short columns = 80;
  unsigned short rows = 24;
};

// A pseudo-terminal: the child's three streams are `slave`; we read and write `master`.
struct Pty {
  Fd master;  // non-blocking
  Fd slave;   // to be closed once the child has it
};

// Errors: io.
[[nodiscard]] Result<Pty> open_pty(PtySize size);

// The foreground program is told by SIGWINCH. Errors: io.
[[nodiscard]] Result<void> resize_pty(int master, PtySize size);

}  // namespace steward::runtime
