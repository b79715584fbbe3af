#include "handlers/runtime/place.hpp"

#include "subjects/wire/fnv.hpp"

#include <cstdint>

namespace steward::runtime {

using std::chrono::milliseconds;

milliseconds place_in(milliseconds span, std::string_view name) {
  // FNV-1a, with a final mix: neighbouring names ("ship1", "ship2") differ in few bits only.
  wire::Fnv fnv;
  fnv.bytes(name);
  auto hash = fnv.value();
  hash ^= hash >> 32U;
  hash *= 0x9e3779b97f4a7c15U;
  hash ^= hash >> 29U;
  return milliseconds(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(span.count())));
}

}  // namespace steward::runtime
