#include "steward/enrollments.hpp"

#include "steward/cluster_files.hpp"
#include "steward/files.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/known_units.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace steward::station {
namespace {

using identity::Access;
using identity::Existing;
using wire::EnrollmentState;

constexpr const char* kEntry = ".json";
constexpr const char* kBundle = ".bundle";

std::filesystem::path file_of_known(const std::filesystem::path& units, const std::string& unit) {
  return units / (unit + ".pub");
}

// Its place is another request's only when a person has said no to it.
bool holds_its_place(EnrollmentState state) {
  return state == EnrollmentState::pending || state == EnrollmentState::approved;
}

}  // namespace

std::filesystem::path Enrollments::file_of(const std::string& unit, const char* extension) const {
  return settings_.folder / (unit + extension);
}

Result<Enrollments> Enrollments::open(Settings settings) {
  if (auto made = make_private_folder(settings.folder); !made) {
    return tl::unexpected<Error>(std::move(made).error());
  }
  Enrollments opened(std::move(settings));
  std::error_code error;
  std::filesystem::directory_iterator file(opened.settings_.folder, error);
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
    if (file->path().extension() == kEntry) {
      static_cast<void>(opened.read(file->path()));
    }
  }
  if (error) {
    return failure(ErrorCode::io,
                   "read " + opened.settings_.folder.string() + ": " + error.message());
  }
  return opened;
}

Result<void> Enrollments::read(const std::filesystem::path& file) {
  STEWARD_TRY(const auto text, identity::read_file(file));
  STEWARD_TRY(auto row, wire::decode_enrollment_row(text));
  STEWARD_TRY(const auto body, wire::parse_json(text));
  wire::Fields fields(body);
  Entry entry{std::move(row), fields.text("key_id"), {}};
  if (const auto issued = wire::parse_time(fields.text("issued"))) {
    entry.issued = *issued;
  }
  auto name = entry.row.unit;
  entries_.insert_or_assign(std::move(name), std::move(entry));
  return {};
}

// On disk before it is so.
Result<void> Enrollments::keep(Entry entry) {
  STEWARD_TRY(auto body, wire::parse_json(wire::encode(entry.row)));
  body["key_id"] = entry.key_id;
  body["issued"] = wire::format_time(entry.issued);
  auto name = entry.row.unit;
  auto written = identity::write_file(
      file_of(name, kEntry), wire::dump_json(body), Access::owner_only, Existing::replace);
  if (!written) {
    return written;
  }
  entries_.insert_or_assign(std::move(name), std::move(entry));
  return {};
}

void Enrollments::forget(const std::string& unit) {
  std::error_code error;
  std::filesystem::remove(file_of(unit, kEntry), error);
  std::filesystem::remove(file_of(unit, kBundle), error);
  entries_.erase(unit);
}

// By a unit that was let in, whichever way.
bool Enrollments::is_taken(const Entry& entry) const {
  const auto text = identity::read_file(file_of_known(settings_.units, entry.row.unit));
  const auto key = text ? identity::PublicKey::parse(text->substr(0, text->find('\n')))
                        : Result<identity::PublicKey>(tl::unexpected(text.error()));
  return text && (!key || key->id() != entry.key_id);
}

Result<Enrollments::Answer> Enrollments::answer(const Entry& entry) const {
  const auto& row = entry.row;
  Answer out{{row.state, row.fingerprint, row.reason}, ""};
  if (row.state == EnrollmentState::approved) {
    STEWARD_TRY(out.bundle, identity::read_file(file_of(row.unit, kBundle)));
  }
  return out;
}

bool Enrollments::is_outdated(const Entry& entry) const {
  if (entry.row.state != EnrollmentState::approved) {
    return false;
  }
  const auto roots = settings_.roots();
  const auto bundle = identity::read_file(file_of(entry.row.unit, kBundle));
  return bundle && !roots.empty() && !identity::read_enrollment_bundle(*bundle, {roots.front()});
}

Result<Enrollments::Answer> Enrollments::ask(const wire::NodeName& unit,
                                             std::string_view document,
                                             const std::set<std::string>& denied,
                                             wire::Timestamp now) {
  if (document.size() > identity::kLargestRequest) {
    return failure(ErrorCode::too_large, "the request is larger than 16 KiB");
  }
  const auto known = entries_.find(unit.str());
  if (known != entries_.end() && known->second.row.request == document &&
      !denied.contains(known->second.key_id) && !is_outdated(known->second)) {
    known->second.row.heard = now;
    return answer(known->second);
  }
  if (is_too_soon(unit.str(), now)) {
    return failure(ErrorCode::overloaded, "another request for that name came just now");
  }
  STEWARD_TRY(auto entry, read_request(unit, document, denied, now));
  if (known == entries_.end() && entries_.size() >= kMost) {
    return failure(ErrorCode::overloaded, "1000 units wait to be let in already");
  }
  const bool is_first = known == entries_.end() || known->second.key_id == entry.key_id ||
                        !holds_its_place(known->second.row.state);
  if (!is_first || is_taken(entry)) {
    return take_conflict(std::move(entry));
  }
  Answer told{{entry.row.state, entry.row.fingerprint, ""}, ""};
  if (auto kept = keep(std::move(entry)); !kept) {
    return tl::unexpected<Error>(std::move(kept).error());
  }
  return told;
}

// Signatures cost time, and what is new is written.
bool Enrollments::is_too_soon(const std::string& unit, wire::Timestamp now) {
  std::erase_if(looked_at_, [now](const auto& entry) {
    return entry.second > now || now - entry.second >= kAgain;
  });
  return !looked_at_.emplace(unit, now).second;
}

Result<Enrollments::Entry> Enrollments::read_request(const wire::NodeName& unit,
                                                     std::string_view document,
                                                     const std::set<std::string>& denied,
                                                     wire::Timestamp now) const {
  STEWARD_TRY(const auto request, identity::open_enrollment_request(document));
  if (request.node.node != unit || request.node.cluster != settings_.cluster) {
    return failure(ErrorCode::denied, "the request is for " + request.node.dns());
  }
  Entry entry{{}, request.message_key.id(), {}};
  if (denied.contains(entry.key_id)) {
    return failure(ErrorCode::denied, unit.str() + " was revoked: names are not used again");
  }
  entry.row.unit = unit.str();
  entry.row.fingerprint = identity::enrollment_fingerprint(document);
  entry.row.since = now;
  entry.row.heard = now;
  entry.row.request = document;
  return entry;
}

// Who came first keeps the place; a person sees that there is another one.
Result<Enrollments::Answer> Enrollments::take_conflict(Entry entry) {
  const auto known = entries_.find(entry.row.unit);
  Answer told{{EnrollmentState::conflict, entry.row.fingerprint, "the name has another key"}, ""};
  if (known != entries_.end() && known->second.key_id != entry.key_id &&
      holds_its_place(known->second.row.state)) {
    if (known->second.row.other == entry.row.fingerprint) {
      return told;
    }
    auto first = known->second;
    first.row.other = entry.row.fingerprint;
    entry = std::move(first);
  } else {
    entry.row.state = EnrollmentState::conflict;
    entry.row.reason = told.status.reason;
  }
  if (auto kept = keep(std::move(entry)); !kept) {
    return tl::unexpected<Error>(std::move(kept).error());
  }
  return told;
}

Result<Enrollments::LetIn> Enrollments::approve(const std::string& document, wire::Timestamp now) {
  STEWARD_TRY(const auto bundle, identity::read_enrollment_bundle(document, settings_.roots()));
  const auto& unit = bundle.node.node;
  const auto known = entries_.find(unit.str());
  if (bundle.node.cluster != settings_.cluster) {
    return failure(ErrorCode::denied, "the bundle is for " + bundle.node.dns());
  }
  if (known == entries_.end() || known->second.key_id != bundle.message_key_id) {
    return failure(ErrorCode::not_found, "nobody has asked by the keys of that bundle");
  }
  auto entry = known->second;
  if (bundle.issued < entry.issued) {
    return failure(ErrorCode::denied, "a later bundle was taken already");
  }
  STEWARD_TRY(const auto request, identity::open_enrollment_request(entry.row.request));
  if (request.authority_key != bundle.authority.public_key()) {
    return failure(ErrorCode::not_found, "nobody has asked by the keys of that bundle");
  }
  auto remembered = identity::remember_unit(
      settings_.units, unit, {request.message_key, request.login_key, request.authority_key.id()});
  if (!remembered) {
    return tl::unexpected<Error>(std::move(remembered).error());
  }
  auto written = identity::write_file(
      file_of(unit.str(), kBundle), document, Access::owner_only, Existing::replace);
  if (!written) {
    return tl::unexpected<Error>(std::move(written).error());
  }
  entry.row.state = EnrollmentState::approved;
  entry.row.since = now;
  entry.row.other.clear();
  entry.issued = bundle.issued;
  if (auto kept = keep(std::move(entry)); !kept) {
    return tl::unexpected<Error>(std::move(kept).error());
  }
  return LetIn{unit, document};
}

Result<Enrollments::Answer> Enrollments::reject(const wire::EnrollmentRejection& rejection,
                                                const std::string& by,
                                                wire::Timestamp now) {
  const auto known = entries_.find(rejection.unit);
  if (known == entries_.end()) {
    return failure(ErrorCode::not_found, rejection.unit + " has not asked to be let in");
  }
  auto entry = known->second;
  if (entry.row.state == EnrollmentState::approved) {
    return failure(ErrorCode::conflict, rejection.unit + " was let in: revoke it");
  }
  const Answer told{{EnrollmentState::rejected, entry.row.fingerprint, rejection.reason}, ""};
  if (entry.row.state == EnrollmentState::conflict) {
    forget(rejection.unit);
    return told;
  }
  entry.row.state = EnrollmentState::rejected;
  entry.row.since = now;
  entry.row.other.clear();
  entry.row.by = by;
  entry.row.reason = rejection.reason;
  if (auto kept = keep(std::move(entry)); !kept) {
    return tl::unexpected<Error>(std::move(kept).error());
  }
  return told;
}

std::vector<wire::EnrollmentRow> Enrollments::rows(const std::vector<std::string>& units) const {
  std::vector<wire::EnrollmentRow> rows;
  for (const auto& [name, entry] : entries_) {
    const bool named = std::find(units.begin(), units.end(), name) != units.end();
    if (units.empty() || named) {
      rows.push_back(entry.row);
    }
    if (units.empty()) {
      rows.back().request.clear();
    }
  }
  return rows;
}

void Enrollments::tidy(wire::Timestamp now) {
  std::vector<std::string> old;
  for (const auto& [name, entry] : entries_) {
    const auto& row = entry.row;
    const bool decided =
        row.state == EnrollmentState::approved || row.state == EnrollmentState::rejected;
    const auto last = decided ? row.since : std::max(row.since, row.heard.value_or(row.since));
    if (now - last > (decided ? kKeepDecided : kKeepAsked)) {
      old.push_back(name);
    }
  }
  for (const auto& name : old) {
    forget(name);
  }
}

}  // namespace steward::station
