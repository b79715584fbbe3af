#include "handlers/runtime/kept_file.hpp"

#include "subjects/identity/files.hpp"

#include <system_error>
#include <utility>

namespace steward::runtime {

Result<std::optional<std::string>> load_kept(const std::filesystem::path& file) {
  auto text = identity::read_file(file);
  if (!text && text.error().code == ErrorCode::not_found) {
    return std::nullopt;
  }
  if (!text) {
    return tl::unexpected<Error>(std::move(text).error());
  }
  return *std::move(text);
}

Result<void> save_kept(const std::filesystem::path& file, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) {
    return tl::unexpected(system_error(error.value(), "make " + file.parent_path().string()));
  }
  return identity::write_file(
      file, text, identity::Access::owner_only, identity::Existing::replace);
}

}  // namespace steward::runtime
