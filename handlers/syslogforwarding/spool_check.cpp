#include "handlers/syslogforwarding/spool_check.hpp"

#include "subjects/wire/compression.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace steward::handlers::syslogforwarding {

namespace {

// The head is a line, and each record.
bool is_whole(const Parcel& parcel) {
  const auto text = wire::decompress(parcel.payload, wire::kLargestLogBatch);
  return text && static_cast<std::uint64_t>(std::count(text->begin(), text->end(), '\n')) ==
                     parcel.head.lines + 1;
}

std::uint64_t sum(const wire::BySeverity& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

Result<SpoolCheck> check_spool(Store& store) {
  SpoolCheck check;
  std::vector<std::shared_ptr<Parcel>> damaged;
  std::int64_t row = 0;
  for (;;) {
    STEWARD_TRY(const auto parcel, store.next(row));
    if (!parcel) {
      break;
    }
    row = parcel->spool_row;
    ++check.batches;
    check.oldest = check.oldest ? check.oldest : std::optional(parcel->id);
    if (parcel->payload.empty()) {
      check.dropped += sum(parcel->counts);
    } else if (is_whole(*parcel)) {
      check.lines += parcel->head.lines;
      check.bytes += parcel->payload.size();
    } else {
      check.damaged += sum(parcel->counts);
      damaged.push_back(parcel);
    }
  }
  for (const auto& parcel : damaged) {
    if (auto erased = store.erase(parcel->spool_row); !erased) {
      return tl::unexpected<Error>(std::move(erased).error());
    }
    parcel->payload.clear();
    parcel->head.lines = 0;
    if (auto put = store.put(*parcel); !put) {
      return tl::unexpected<Error>(std::move(put).error());
    }
  }
  return check;
}

}  // namespace steward::handlers::syslogforwarding
