#include "steward/cluster_files.hpp"

#include "subjects/identity/broker_login.hpp"

#include <nlohmann/json.hpp>

namespace steward::station {

using identity::Access;
using identity::NkeyKind;
using identity::NkeyPair;
using Path = std::filesystem::path;

bool is_there(const Path& file) {
  std::error_code error;
  return std::filesystem::exists(file, error);
}

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

Result<NkeyPair> nkey_of(const Path& file, NkeyKind kind) {
  auto made = make_once(file, Access::owner_only, [kind]() -> Result<identity::Secret> {
    STEWARD_TRY(const auto pair, NkeyPair::generate(kind));
    return pair.seed_text();
  });
  if (!made) {
    return tl::unexpected(std::move(made).error());
  }
  STEWARD_TRY(const auto seed, identity::read_secret_file(file));
  auto pair = NkeyPair::parse_seed(seed.view());
  if (!pair || pair->public_key().kind() != kind) {
    return failure(ErrorCode::bad_config, file.string() + " is no seed of that kind");
  }
  return pair;
}

Result<NkeyPair> user_in(const Path& credentials) {
  STEWARD_TRY(const auto text, identity::read_secret_file(credentials));
  return identity::decode_credentials(text.view())
      .map([](identity::Credentials read) { return std::move(read.user); })
      .map_error([&](Error error) { return std::move(error).with_context(credentials.string()); });
}

}  // namespace steward::station
