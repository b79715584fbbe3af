// The values of a round as bytes; the form is in README.md, "metrics".

#include "subjects/wire/metrics.hpp"

#include <algorithm>
#include <utility>

namespace steward::wire {
namespace {

// No byte that a JSON text, or any UTF-8 text, begins with.
constexpr unsigned char kMagic = 0xB7;
constexpr unsigned char kVersion = 1;
constexpr unsigned char kLateForm = 2;
constexpr std::size_t kHashBytes = 8;

// Tokens: one series as in the base; a run of those, its length less two follows; a run of absent
// ones, its length less one follows; anything above is a difference.
constexpr std::uint64_t kSame = 0;
constexpr std::uint64_t kSameRun = 1;
constexpr std::uint64_t kAbsentRun = 2;
constexpr std::uint64_t kFirstDifference = 3;

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80U) {
    out.push_back(static_cast<char>((value & 0x7fU) | 0x80U));
    value >>= 7U;
  }
  out.push_back(static_cast<char>(value));
}

std::uint64_t zigzag(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return (bits << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0);
}

std::int64_t unzigzag(std::uint64_t bits) {
  return static_cast<std::int64_t>((bits >> 1U) ^ (~(bits & 1U) + 1));
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool failed() const { return failed_; }

  bool empty() const { return rest_.empty(); }

  std::uint64_t byte() {
    if (rest_.empty()) {
      failed_ = true;
      return 0;
    }
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t part = byte();
      if (shift == 63 && part > 1) {
        break;
      }
      value |= (part & 0x7fU) << shift;
      if (part < 0x80U) {
        return value;
      }
    }
    failed_ = true;
    return 0;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

// Base of a series: what is absent there, and where there is no base at all, counts as 0.
std::int64_t base_of(std::span<const std::int64_t> base, std::size_t index) {
  return index < base.size() && base[index] != kAbsent ? base[index] : 0;
}

Result<MetricRoundHead> read_head(Reader& reader) {
  MetricRoundHead head;
  const bool is_round = reader.byte() == kMagic;
  const auto form = reader.byte();
  head.late = form == kLateForm;
  const bool known = is_round && (form == kVersion || head.late);
  for (unsigned shift = 0; shift < 8 * kHashBytes; shift += 8) {
    head.schema |= reader.byte() << shift;
  }
  head.number = reader.varint();
  const std::uint64_t back = reader.varint();
  head.time = std::chrono::milliseconds(static_cast<std::int64_t>(reader.varint() & INT64_MAX));
  head.took = std::chrono::microseconds(static_cast<std::int64_t>(reader.varint() & INT64_MAX));
  if (!known || reader.failed() || back > head.number || (head.late && back != 0)) {
    return failure(ErrorCode::bad_payload, "not the head of a round of metrics");
  }
  head.base = back == 0 ? 0 : head.number - back;
  return head;
}

std::size_t run_length(std::span<const std::int64_t> numbers,
                       std::span<const std::int64_t> base,
                       std::size_t from,
                       bool absent) {
  std::size_t end = from;
  while (end < numbers.size() &&
         (absent ? numbers[end] == kAbsent : numbers[end] == base_of(base, end))) {
    ++end;
  }
  return end - from;
}

}  // namespace

bool is_metric_round(std::string_view payload) {
  return !payload.empty() && static_cast<unsigned char>(payload.front()) == kMagic;
}

std::string encode_metric_round(const MetricRoundHead& head,
                                std::span<const std::int64_t> numbers,
                                std::span<const std::int64_t> base) {
  std::string out;
  out.reserve(numbers.size() * 2 + 32);
  out.push_back(static_cast<char>(kMagic));
  out.push_back(static_cast<char>(head.late ? kLateForm : kVersion));
  for (unsigned shift = 0; shift < 8 * kHashBytes; shift += 8) {
    out.push_back(static_cast<char>((head.schema >> shift) & 0xffU));
  }
  put_varint(out, head.number);
  put_varint(out, head.base == 0 ? 0 : head.number - head.base);
  put_varint(out, static_cast<std::uint64_t>(head.time.count()));
  put_varint(out, static_cast<std::uint64_t>(head.took.count()));
  for (std::size_t at = 0; at < numbers.size();) {
    if (const auto absent = run_length(numbers, base, at, true); absent > 0) {
      put_varint(out, kAbsentRun);
      put_varint(out, absent - 1);
      at += absent;
    } else if (const auto same = run_length(numbers, base, at, false); same > 1) {
      put_varint(out, kSameRun);
      put_varint(out, same - 2);
      at += same;
    } else {
      const std::int64_t difference = numbers[at] - base_of(base, at);
      put_varint(out, difference == 0 ? kSame : zigzag(difference) - 1 + kFirstDifference);
      ++at;
    }
  }
  return out;
}

Result<MetricRoundHead> decode_metric_round_head(std::string_view payload) {
  Reader reader(payload);
  return read_head(reader);
}

Result<std::vector<std::int64_t>> decode_metric_numbers(std::string_view payload,
                                                        std::size_t series,
                                                        std::span<const std::int64_t> base) {
  Reader reader(payload);
  STEWARD_TRY(const MetricRoundHead head, read_head(reader));
  const bool base_fits = head.base == 0 ? base.empty() : base.size() == series;
  if (series > kMostSeries || !base_fits) {
    return failure(ErrorCode::bad_payload, "a round of metrics on another base");
  }
  std::vector<std::int64_t> numbers;
  numbers.reserve(series);
  while (!reader.failed() && numbers.size() < series) {
    const std::uint64_t token = reader.varint();
    if (token >= kFirstDifference) {
      const std::int64_t difference = unzigzag(token - kFirstDifference + 1);
      const auto sum = static_cast<std::uint64_t>(base_of(base, numbers.size())) +
                       static_cast<std::uint64_t>(difference);
      const auto number = static_cast<std::int64_t>(sum);
      if (number > kMostNumber || number < -kMostNumber) {
        return failure(ErrorCode::bad_payload, "a number of metrics out of bounds");
      }
      numbers.push_back(number);
      continue;
    }
    const std::uint64_t more = token == kSame ? 0 : reader.varint();
    const std::uint64_t run = token == kSameRun ? 2 : 1;
    if (more > series || more + run > series - numbers.size()) {
      return failure(ErrorCode::bad_payload, "more metrics than the schema has series");
    }
    for (std::uint64_t i = 0; i < more + run; ++i) {
      numbers.push_back(token == kAbsentRun ? kAbsent : base_of(base, numbers.size()));
    }
  }
  if (reader.failed() || !reader.empty()) {
    return failure(ErrorCode::bad_payload, "a round of metrics that is cut or too long");
  }
  return numbers;
}

}  // namespace steward::wire
