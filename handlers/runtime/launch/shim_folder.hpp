#pragma once

// What agent and shim say to each other (README.md). Plain words: the shim has no library.

namespace steward::runtime::shim {

// The first field of the order; another one is refused.
inline constexpr char kVersion[] = "steward-shim 1";

// Files in the folder of a run.
inline constexpr char kSocketFile[] = "socket";
inline constexpr char kChildFile[] = "child";
inline constexpr char kExitFile[] = "exit";

// Descriptors that the shim is started with, beside its /dev/null.
inline constexpr int kOrderFd = 0;
inline constexpr int kListenFd = 1;

// The longest message on the socket, bytes.
inline constexpr int kMostMessage = 1024;

// A line that has no end goes on for so long behind the bound of its segment, bytes.
inline constexpr long kMostOverhang = 64 * 1024;

}  // namespace steward::runtime::shim
