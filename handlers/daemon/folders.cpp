#include "handlers/daemon/folders.hpp"

#include <fstream>
#include <system_error>
#include <utility>

namespace steward::handlers::daemon {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLogs = "logs";

Result<void> done(const std::error_code& error, const std::string& what) {
  return error ? Result<void>(tl::unexpected<Error>(system_error(error.value(), what)))
               : Result<void>();
}

}  // namespace

Result<void> Folders::forward(const std::string& name, const std::string& domain) const {
  std::error_code error;
  for (const auto& other : fs::directory_iterator(folder_ / kLogs, error)) {
    if (other.path().filename() != domain) {
      fs::remove(other.path() / name, error);
      fs::remove(other.path(), error);  // the last one of a domain takes it along
    }
  }
  if (domain.empty()) {
    return {};
  }
  const auto link = folder_ / kLogs / domain / name;
  const auto run = fs::path("../../run") / name;
  if (fs::read_symlink(link, error) == run) {
    return {};
  }
  fs::create_directories(link.parent_path(), error);
  if (!error) {
    fs::remove(link, error);
    fs::create_directory_symlink(run, link, error);
  }
  return done(error, "make " + link.string());
}

void Folders::remove(const std::string& name) const {
  std::ignore = forward(name, "");
  std::error_code error;
  fs::remove_all(run(name), error);
}

Result<void> Folders::tell(const std::map<std::string, std::unique_ptr<Daemon>>& daemons) {
  std::string text;
  for (const auto& [name, daemon] : daemons) {
    text += name + ' ' + std::to_string(daemon->pid()) + ' ' + std::to_string(daemon->restarts()) +
            (daemon->unit().empty() ? " own\n" : " unit\n");
  }
  if (text == told_) {
    return {};
  }
  std::error_code error;
  fs::create_directories(folder_, error);
  const auto path = folder_ / "table";
  const auto fresh = folder_ / "table.new";
  if (!(std::ofstream(fresh) << text << std::flush)) {
    return failure(ErrorCode::io, "write " + fresh.string());
  }
  fs::rename(fresh, path, error);
  if (!error) {
    told_ = std::move(text);
  }
  return done(error, "put " + path.string() + " in place");
}

}  // namespace steward::handlers::daemon
