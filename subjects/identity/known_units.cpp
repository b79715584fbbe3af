#include "subjects/identity/known_units.hpp"

#include "subjects/identity/files.hpp"

#include <string_view>
#include <utility>

namespace steward::identity {
namespace {

// Takes the text up to the next line's end, and what follows it.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

template <typename T>
Result<T> in_file(const std::filesystem::path& file, Result<T> read) {
  return std::move(read).map_error([&file](const Error& error) {
    return Error{error.code == ErrorCode::not_found ? error.code : ErrorCode::bad_config,
                 file.string() + ": " + error.message};
  });
}

std::filesystem::path file_of(const std::filesystem::path& folder,
                              const wire::NodeName& unit,
                              const char* extension) {
  return folder / (unit.str() + extension);
}

}  // namespace

Result<void> remember_unit(const std::filesystem::path& folder,
                           const wire::NodeName& unit,
                           const KnownUnit& known) {
  const auto key = file_of(folder, unit, ".pub");
  const std::string own = known.message.text() + "\n";
  auto written = write_file(key, own, Access::everybody, Existing::keep);
  if (!written && written.error().code != ErrorCode::conflict) {
    return written;
  }
  STEWARD_TRY(const auto there, in_file(key, read_file(key)));
  if (there != own) {
    return failure(ErrorCode::conflict,
                   "the name " + unit.str() +
                       " has another key already: names are not used again (" + key.string() + ")");
  }
  return write_file(file_of(folder, unit, ".login"),
                    known.login.text() + "\n" + known.authority_id + "\n",
                    Access::everybody,
                    Existing::replace);
}

Result<KnownUnit> known_unit(const std::filesystem::path& folder, const wire::NodeName& unit) {
  const auto key_file = file_of(folder, unit, ".pub");
  const auto login_file = file_of(folder, unit, ".login");
  STEWARD_TRY(const auto key_text, in_file(key_file, read_file(key_file)));
  STEWARD_TRY(const auto login_text, in_file(login_file, read_file(login_file)));
  std::string_view rest(key_text);
  STEWARD_TRY(auto message, in_file(key_file, PublicKey::parse(take_line(rest))));
  rest = login_text;
  STEWARD_TRY(auto login, in_file(login_file, Nkey::parse(take_line(rest))));
  if (login.kind() != NkeyKind::user) {
    return failure(ErrorCode::bad_config, login_file.string() + " names no user of the broker");
  }
  return KnownUnit{std::move(message), std::move(login), std::string(take_line(rest))};
}

}  // namespace steward::identity
