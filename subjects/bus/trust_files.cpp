#include "subjects/bus/trust_files.hpp"

#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace steward::bus {
namespace {

using identity::Access;
using identity::Existing;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  return text;
}

// The private key is made where it is used and never leaves; its public half is for others.
Result<identity::PrivateKey> own_key(const std::filesystem::path& path) {
  STEWARD_TRY(auto key, identity::own_key_file(path));
  auto shown = path;
  shown.replace_extension(".pub");
  if (auto written = identity::write_file(
          shown, key.public_key().text() + "\n", Access::everybody, Existing::replace);
      !written) {
    return tl::unexpected(std::move(written).error());
  }
  return key;
}

struct Anchors {
  identity::ClusterName cluster;
  std::vector<identity::PublicKey> roots;
};

Result<Anchors> read_anchors(const TrustFiles& files) {
  auto cluster = identity::ClusterName::parse(files.cluster);
  if (!cluster) {
    return failure(ErrorCode::bad_config, "trust.cluster: " + cluster.error().message);
  }
  std::vector<identity::PublicKey> roots;
  for (const auto& text : files.roots) {
    auto root = identity::PublicKey::parse(text);
    if (!root) {
      return failure(ErrorCode::bad_config, "trust.roots: " + root.error().message);
    }
    roots.push_back(*std::move(root));
  }
  if (roots.empty()) {
    return failure(ErrorCode::bad_config, "trust.roots: the keys that sign policies are missing");
  }
  return Anchors{*std::move(cluster), std::move(roots)};
}

constexpr const char* kOverlap = "overlap.signed";  // beside the policy that is brought

std::filesystem::path overlaps_of(const TrustFiles& files) {
  return files.kept.parent_path() / "overlaps";
}

// In the order of their versions.
std::filesystem::path overlap_file(const TrustFiles& files, std::uint64_t version) {
  auto digits = std::to_string(version);
  digits.insert(0, digits.size() < 20 ? 20 - digits.size() : 0, '0');
  return overlaps_of(files) / (digits + ".signed");
}

// From the roots of the configuration to those of the last overlap: each is signed by a root that
// the one before it names. One that is not was passed by, since the configuration names a later
// root.
void follow_overlaps(const TrustFiles& files, Guard& guard) {
  std::vector<std::filesystem::path> steps;
  std::error_code error;
  std::filesystem::directory_iterator entry(overlaps_of(files), error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".signed") {
      steps.push_back(entry->path());
    }
  }
  std::sort(steps.begin(), steps.end());
  for (const auto& file : steps) {
    const auto document = identity::read_file(file);
    const auto policy = document ? guard.judge_kept(*document)
                                 : Result<identity::Policy>(tl::unexpected(document.error()));
    if (policy) {
      guard.add_overlap(*policy, *document);
    }
  }
}

struct UnitFolder {
  Guard::UnitKeys keys;
  std::vector<std::string> wrong;
};

UnitFolder read_units(const std::filesystem::path& folder) {
  UnitFolder units;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const auto& path = entry->path();
    if (path.extension() != ".pub") {
      continue;
    }
    const auto text = identity::read_file(path);
    auto key = text ? identity::PublicKey::parse(trimmed(*text))
                    : Result<identity::PublicKey>(tl::unexpected(text.error()));
    if (!key || !wire::NodeName::parse(path.stem().string())) {
      units.wrong.push_back(path.string() + " is no key of a unit");
      continue;
    }
    units.keys.emplace(path.stem().string(), *std::move(key));
  }
  if (error) {
    units.wrong.push_back(folder.string() + ": " + error.message());
  }
  return units;
}

// The policy in a file, judged; none where there is no such file. What is wrong is added.
template <typename Judge>
std::optional<identity::Policy> inspect_policy(const std::filesystem::path& file,
                                               TrustReport& report,
                                               const Judge& judge) {
  const auto document = identity::read_file(file);
  if (!document && document.error().code == ErrorCode::not_found) {
    return std::nullopt;
  }
  auto policy =
      document ? judge(*document) : Result<identity::Policy>(tl::unexpected(document.error()));
  if (!policy) {
    report.wrong.push_back(file.string() + ": " + policy.error().text());
    return std::nullopt;
  }
  return *std::move(policy);
}

}  // namespace

Result<std::unique_ptr<Guard>> open_guard(const TrustFiles& files) {
  STEWARD_TRY(auto anchors, read_anchors(files));
  auto own = own_key(files.key);
  if (!own) {
    return tl::unexpected(std::move(own).error().with_context("trust.key"));
  }
  return std::make_unique<Guard>(
      std::move(anchors.cluster), std::move(anchors.roots), *std::move(own));
}

TrustWatch::TrustWatch(TrustFiles files, Guard& guard, Say say)
    : files_(std::move(files)), guard_(guard), say_(std::move(say)) {
  restore();
}

std::optional<TrustWatch::Look> TrustWatch::look_at(const std::filesystem::path& path) {
  std::error_code error;
  const auto changed = std::filesystem::last_write_time(path, error);
  if (error) {
    return std::nullopt;
  }
  const auto bytes =
      std::filesystem::is_directory(path, error) ? 0 : std::filesystem::file_size(path, error);
  return error ? std::nullopt : std::optional(Look{changed, bytes});
}

// What led from root to root comes first: it says who may have signed what is kept.
//
// What is kept and cannot be read is no policy: nothing is carried out until a good one comes.
void TrustWatch::restore() {
  follow_overlaps(files_, guard_);
  const auto document = identity::read_file(files_.kept);
  if (!document && document.error().code == ErrorCode::not_found) {
    return;
  }
  auto policy = document ? guard_.judge_kept(*document)
                         : Result<identity::Policy>(tl::unexpected(document.error()));
  if (!policy) {
    say_.error("the policy kept in " + files_.kept.string() +
               " is not good: " + policy.error().text());
    return;
  }
  say_.info("policy version " + std::to_string(policy->version()) + " is in force");
  guard_.set_policy(*std::move(policy), *document);
}

void TrustWatch::look(wire::Timestamp now) {
  if (const auto seen = look_at(files_.policy); seen && seen != policy_) {
    policy_ = seen;
    take_policy(now);
  }
  if (files_.units.empty()) {
    return;
  }
  if (const auto seen = look_at(files_.units); seen && seen != units_) {
    units_ = seen;
    take_units();
  }
}

void TrustWatch::take_policy(wire::Timestamp now) {
  if (const auto before = identity::read_file(files_.policy.parent_path() / kOverlap)) {
    static_cast<void>(take(*before, now));  // as a rule it was taken long ago
  }
  const auto document = identity::read_file(files_.policy);
  const auto taken = document ? take(*document, now) : tl::unexpected(document.error());
  if (!taken) {
    say_.error("the policy in " + files_.policy.string() +
               " was not taken: " + taken.error().text());
  }
}

Result<void> TrustWatch::take(const std::string& document, wire::Timestamp now) {
  STEWARD_TRY(auto policy, guard_.judge(document, now));
  const auto present = guard_.policy();
  if (present && present->version() == policy.version()) {
    return {};
  }
  if (auto kept = keep_overlap(policy); !kept) {
    return kept;
  }
  if (auto kept = identity::write_file(files_.kept, document, Access::everybody, Existing::replace);
      !kept) {
    return kept;
  }
  say_.info("policy version " + std::to_string(policy.version()) + " is in force");
  guard_.set_policy(std::move(policy), document);
  return {};
}

// Where the next one has another signer, the present one says that it may: it is needed after a
// restart, and by those who have been away.
Result<void> TrustWatch::keep_overlap(const identity::Policy& next) {
  const auto present = guard_.policy();
  if (!present || present->signed_by() == next.signed_by()) {
    return {};
  }
  std::error_code error;
  std::filesystem::create_directories(overlaps_of(files_), error);
  const auto document = guard_.document();
  if (auto written = identity::write_file(overlap_file(files_, present->version()),
                                          *document,
                                          Access::everybody,
                                          Existing::replace);
      !written) {
    return written;
  }
  guard_.add_overlap(*present, *document);
  say_.info("another root signs policies from version " + std::to_string(next.version()) + " on");
  return {};
}

void TrustWatch::take_units() {
  auto units = read_units(files_.units);
  for (const auto& text : units.wrong) {
    say_.error(text);
  }
  say_.info("keys of " + std::to_string(units.keys.size()) + " units are known");
  guard_.set_unit_keys(std::move(units.keys));
}

Result<BelievedRoots> read_roots(const TrustFiles& files) {
  STEWARD_TRY(auto anchors, read_anchors(files));
  Guard guard(std::move(anchors.cluster), std::move(anchors.roots), std::nullopt);
  follow_overlaps(files, guard);
  const auto document = identity::read_file(files.kept);
  if (document) {
    if (auto policy = guard.judge_kept(*document)) {
      guard.set_policy(*std::move(policy), "");
    }
  }
  const auto policy = guard.policy();
  return BelievedRoots{guard.roots(),
                       policy ? policy->roots() : std::vector<identity::Certificate>()};
}

TrustReport inspect(const TrustFiles& files, wire::Timestamp now) {
  TrustReport report;
  auto anchors = read_anchors(files);
  if (!anchors) {
    report.wrong.push_back(anchors.error().message);
    return report;
  }
  const auto key = identity::read_key_file(files.key, identity::no_passphrase);
  if (!key && key.error().code != ErrorCode::not_found) {
    report.wrong.push_back("trust.key: " + key.error().text());
  }
  report.summary = "cluster " + anchors->cluster.str();
  Guard guard(std::move(anchors->cluster), std::move(anchors->roots), std::nullopt);
  follow_overlaps(files, guard);
  if (auto kept = inspect_policy(
          files.kept, report, [&](const auto& text) { return guard.judge_kept(text); })) {
    guard.set_policy(*std::move(kept), "");
  }
  if (auto brought = inspect_policy(
          files.policy, report, [&](const auto& text) { return guard.judge(text, now); })) {
    guard.set_policy(*std::move(brought), "");
  }
  const auto policy = guard.policy();
  report.summary += policy ? ", policy version " + std::to_string(policy->version()) + " until " +
                                 wire::format_time(policy->expires())
                           : ", no policy yet: no command is carried out";
  if (!files.units.empty()) {
    auto units = read_units(files.units);
    report.summary += ", keys of " + std::to_string(units.keys.size()) + " units";
    std::move(units.wrong.begin(), units.wrong.end(), std::back_inserter(report.wrong));
  }
  return report;
}

}  // namespace steward::bus
