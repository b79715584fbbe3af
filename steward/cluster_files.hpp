#pragma once

#include "subjects/identity/files.hpp"
#include "subjects/identity/nkey.hpp"
#include "subjects/wire/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

// What the sources of Cluster share; for them alone.
namespace steward::station {

inline constexpr std::string_view kStationState = "station/state";

bool is_there(const std::filesystem::path& file);

std::string quoted(const std::string& text);

// Text as make_once() takes it.
struct Text {
  std::string text;

  std::string_view view() const { return text; }
};

// A file that is there stays; two makers at once: one of them is told. Errors: conflict, those of
// identity::write_file() and of `make`.
template <typename Make>
Result<void> make_once(const std::filesystem::path& file,
                       identity::Access access,
                       const Make& make) {
  if (is_there(file)) {
    return {};
  }
  STEWARD_TRY(const auto bytes, make());
  return identity::write_file(file, bytes.view(), access, identity::Existing::keep)
      .map_error([&](Error error) { return std::move(error).with_context(file.string()); });
}

// The pair whose seed is in that file, made where there is none. Errors: bad_config (of another
// kind), those of files.
[[nodiscard]] Result<identity::NkeyPair> nkey_of(const std::filesystem::path& file,
                                                 identity::NkeyKind kind);

// Whose login that is. Errors: those of files and of identity::decode_credentials().
[[nodiscard]] Result<identity::NkeyPair> user_in(const std::filesystem::path& credentials);

}  // namespace steward::station
