#include "subjects/identity/audit_chain.hpp"

#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::identity {
namespace {

using nlohmann::json;

constexpr std::size_t kHashDigits = 64;
constexpr std::size_t kLongestText = 512;

std::string hash_of(std::string_view before, std::string_view body) {
  return hex(sha256(std::string(before).append("\n").append(body)));
}

void put_text(json& out, const char* name, const std::string& text) {
  if (!text.empty()) {
    out[name] = text.substr(0, kLongestText);
  }
}

json body_of_record(const AuditEnd& end, const AuditRecord& record) {
  json out{{"n", end.number + 1}, {"at", wire::format_time(record.at)}, {"kind", record.kind}};
  // Of each hash before it, so that a file can be read without the ones before.
  put_text(out, "before", end.hash);
  put_text(out, "id", record.id);
  put_text(out, "by", record.by);
  put_text(out, "key", record.key);
  put_text(out, "subject", record.subject);
  put_text(out, "unit", record.unit);
  put_text(out, "verdict", record.verdict);
  put_text(out, "summary", record.summary);
  put_text(out, "digest", record.digest);
  return out;
}

struct ReadRecord {
  AuditRecord record;
  std::uint64_t number = 0;
  std::string before;
};

Result<ReadRecord> read_record(std::string_view body) {
  STEWARD_TRY(const auto object, wire::parse_json(body));
  wire::Fields fields(object);
  ReadRecord read;
  read.number = static_cast<std::uint64_t>(fields.integer("n", 0, 1, INT64_MAX));
  read.before = fields.text("before");
  auto& record = read.record;
  const auto at = wire::parse_time(fields.required_text("at"));
  record.kind = fields.required_text("kind");
  record.id = fields.text("id");
  record.by = fields.text("by");
  record.key = fields.text("key");
  record.subject = fields.text("subject");
  record.unit = fields.text("unit");
  record.verdict = fields.text("verdict");
  record.summary = fields.text("summary");
  record.digest = fields.text("digest");
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  if (!at) {
    return failure(ErrorCode::bad_payload, "at: " + at.error().message);
  }
  record.at = *at;
  return read;
}

}  // namespace

std::string next_audit_line(AuditEnd& end, const AuditRecord& record) {
  const auto body = wire::dump_json(body_of_record(end, record));
  end.hash = hash_of(end.hash, body);
  ++end.number;
  return end.hash + " " + body + "\n";
}

std::string sealed_bytes(const AuditEnd& end) {
  return std::to_string(end.number) + " " + end.hash;
}

Result<AuditRecord> AuditReader::take(std::string_view line) {
  const auto hash = line.substr(0, std::min(line.size(), kHashDigits));
  if (line.size() < kHashDigits + 2 || line[kHashDigits] != ' ') {
    return failure(ErrorCode::bad_payload, "not a line of an audit");
  }
  const auto body = line.substr(kHashDigits + 1);
  STEWARD_TRY(auto read, read_record(body));
  const bool is_first = end_.number == 0;
  if (hash != hash_of(read.before, body)) {
    return failure(ErrorCode::conflict, "record " + std::to_string(read.number) + " was altered");
  }
  if (!is_first && (read.number != end_.number + 1 || read.before != end_.hash)) {
    return failure(ErrorCode::conflict,
                   "record " + std::to_string(end_.number + 1) + " was altered or is missing");
  }
  if (read.record.kind == "seal") {
    const auto signature = parse_base64url(read.record.digest);
    const AuditEnd before{read.number - 1, read.before, 0};
    if (key_ && read.record.key == key_->id() &&
        !(signature && key_->verifies(Purpose::journal, sealed_bytes(before), *signature))) {
      return failure(ErrorCode::bad_signature,
                     "the seal of record " + std::to_string(read.number) + " does not hold");
    }
    if (!key_ || read.record.key == key_->id()) {
      end_.sealed = read.number - 1;
    }
  }
  first_ = is_first ? read.number : first_;
  end_.number = read.number;
  end_.hash = hash;
  return std::move(read.record);
}

}  // namespace steward::identity
