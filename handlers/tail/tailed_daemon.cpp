#include "handlers/tail/tailed_daemon.hpp"

#include "handlers/runtime/shim_output.hpp"

#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

namespace steward::handlers::tail {

namespace {

namespace fs = std::filesystem;

constexpr int kOutput = 1;  // both streams of a daemon go there

// How a daemon is kept, by a line of the table: "web 4711 2 own". None where it is not there.
std::optional<std::string> kept_as(const fs::path& table, const std::string& name) {
  std::ifstream file(table);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string daemon;
    std::string process;
    std::string restarts;
    std::string how;
    if (words >> daemon >> process >> restarts >> how && daemon == name) {
      return how;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<TailedDaemon>> TailedDaemon::open(const fs::path& folder,
                                                         const std::string& name,
                                                         std::size_t lines) {
  std::error_code error;
  for (const auto& domain : fs::directory_iterator(folder, error)) {
    const auto how = kept_as(domain.path() / "table", name);
    if (how == "unit") {
      return failure(ErrorCode::unsupported,
                     "daemon " + name + " is a unit of systemd: ask for its journal");
    }
    if (how) {
      auto tailed = std::unique_ptr<TailedDaemon>(new TailedDaemon(domain.path() / "run" / name));
      STEWARD_TRY(const auto end, runtime::read_shim_output(tailed->output_, kOutput, 0, 0));
      tailed->offset_ = end.total - runtime::last_shim_lines(
                                        tailed->output_, kOutput, lines, std::size_t{16} * kPiece)
                                        .size();
      return tailed;
    }
  }
  return failure(ErrorCode::not_found, "this unit has no daemon " + name);
}

Result<Tailed::Piece> TailedDaemon::read() {
  STEWARD_TRY(auto found, runtime::read_shim_output(output_, kOutput, offset_, kPiece));
  Piece piece;
  if (found.total < offset_) {
    piece.notice = "its output begins anew";
    offset_ = 0;
    piece.more = true;
    return piece;
  }
  if (found.offset > offset_ && !found.bytes.empty()) {
    piece.notice = std::to_string(found.offset - offset_) +
                   " bytes were dropped before they were "
                   "shown: it says more than its spool holds";
  }
  if (found.offset + found.bytes.size() < found.total) {
    // Only whole lines, where there are some.
    if (const auto end = found.bytes.rfind('\n'); end != std::string::npos) {
      found.bytes.resize(end + 1);
    }
    piece.more = !found.bytes.empty();
  }
  offset_ = found.offset + found.bytes.size();
  piece.data = std::move(found.bytes);
  return piece;
}

}  // namespace steward::handlers::tail
