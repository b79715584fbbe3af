#pragma once

namespace steward::edge {

// Gives back what only the start has needed: freed memory, and the code of libraries that was read
// to begin. That code is in files, comes back by itself where it is run again, and is the first
// that a machine short of memory can let go once nobody holds it. Once, when the agent has come to
// rest.
void give_back_start();

}  // namespace steward::edge
