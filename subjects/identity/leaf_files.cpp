#include "subjects/identity/leaf_files.hpp"

#include "subjects/identity/authority.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

namespace steward::identity {
namespace {

// A peer whose clock is a little behind takes a fresh one, too, unless the authority is as fresh.
constexpr std::chrono::minutes kSlack{5};

struct Authority {
  PrivateKey key;
  Certificate certificate;
};

Result<Authority> authority_in(const std::filesystem::path& folder, wire::Timestamp now) {
  STEWARD_TRY(auto key, read_key_file(folder / "authority.key", no_passphrase));
  STEWARD_TRY(const auto text, read_file(folder / "authority.crt"));
  STEWARD_TRY(auto found, Certificate::parse_pem(text, 1));
  if (now >= found.front().validity().until) {
    return failure(ErrorCode::expired, "the unit's authority has expired: enroll it again");
  }
  return Authority{std::move(key), std::move(found.front())};
}

// The certificate and its authority's, as PEM.
Result<std::string> chain_for(const LeafPlan& plan,
                              const PublicKey& key,
                              const Authority& authority,
                              wire::Timestamp now) {
  const auto from = std::max(now - kSlack, authority.certificate.validity().from);
  STEWARD_TRY(
      auto leaf,
      issue_leaf(plan.program, key, authority.certificate, authority.key, {from, now + plan.life}));
  return encode_chain({std::move(leaf), authority.certificate});
}

// Of the present key and authority, with a third of its life left.
bool is_good_leaf(const std::filesystem::path& file,
                  const PrivateKey& key,
                  const Certificate& authority,
                  wire::Timestamp now) {
  const auto text = read_file(file);
  const auto chain = text ? Certificate::parse_pem(*text, 2)
                          : Result<std::vector<Certificate>>(tl::unexpected(text.error()));
  if (!chain || chain->size() != 2 || chain->at(1) != authority ||
      chain->at(0).public_key() != key.public_key()) {
    return false;
  }
  const auto& validity = chain->at(0).validity();
  return now >= validity.from && now < validity.from + (validity.until - validity.from) * 2 / 3;
}

}  // namespace

Result<Issued> issue_leaf_files(const LeafPlan& plan, wire::Timestamp now) {
  STEWARD_TRY(const auto authority, authority_in(plan.authority, now));
  std::error_code error;
  std::filesystem::create_directories(plan.out, error);
  if (error) {
    return failure(ErrorCode::io, "make " + plan.out.string() + ": " + error.message());
  }
  STEWARD_TRY(const auto key, own_key_file(plan.out / "key.pem"));
  const auto chain_file = plan.out / "chain.pem";
  if (is_good_leaf(chain_file, key, authority.certificate, now)) {
    return Issued::kept;
  }
  STEWARD_TRY(const auto chain, chain_for(plan, key.public_key(), authority, now));
  if (auto written = write_file(chain_file, chain, Access::everybody, Existing::replace);
      !written) {
    return tl::unexpected(std::move(written).error());
  }
  return Issued::fresh;
}

Result<ToldLeaf> issue_told_leaf(const LeafPlan& plan, wire::Timestamp now) {
  STEWARD_TRY(const auto authority, authority_in(plan.authority, now));
  STEWARD_TRY(const auto key, PrivateKey::generate());
  STEWARD_TRY(auto text, encode_key(key));
  STEWARD_TRY(auto chain, chain_for(plan, key.public_key(), authority, now));
  return ToldLeaf{std::move(chain), std::move(text)};
}

}  // namespace steward::identity
