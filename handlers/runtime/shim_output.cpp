#include "handlers/runtime/shim_output.hpp"

#include "handlers/runtime/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

namespace steward::runtime {
namespace {

struct Segment {
  std::filesystem::path path;
  std::uint64_t size = 0;
};

// By the offset of their first byte.
std::map<std::uint64_t, Segment> segments_of(const std::filesystem::path& folder, int stream) {
  constexpr std::size_t kNameBytes = 22;
  std::map<std::uint64_t, Segment> segments;
  const std::string prefix = std::to_string(stream) + "-";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.size() == kNameBytes) {
      const auto size = entry.file_size(error);
      if (!error) {
        segments[std::strtoull(name.c_str() + prefix.size(), nullptr, 10)] = {entry.path(), size};
      }
    }
  }
  return segments;
}

}  // namespace

Result<ShimPiece> read_shim_output(const std::filesystem::path& folder,
                                   int stream,
                                   std::uint64_t offset,
                                   std::size_t most) {
  const auto segments = segments_of(folder, stream);
  ShimPiece piece{offset, "", 0};
  if (segments.empty()) {
    return piece;
  }
  piece.total = segments.rbegin()->first + segments.rbegin()->second.size;
  for (const auto& [begin, segment] : segments) {
    const auto at = piece.offset + piece.bytes.size();
    if (begin + segment.size <= at || piece.bytes.size() >= most) {
      continue;
    }
    if (begin > at) {
      if (!piece.bytes.empty()) {
        break;  // what comes next does not follow
      }
      piece.offset = begin;
    }
    const Fd file(::open(segment.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) {
      continue;  // dropped just now
    }
    const auto from = std::max(begin, at) - begin;
    std::string bytes(std::min<std::uint64_t>(segment.size - from, most - piece.bytes.size()), 0);
    const ssize_t got =
        file ? ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(from)) : -1;
    if (got < 0) {
      return tl::unexpected(system_error(errno, "read " + segment.path.string()));
    }
    piece.bytes.append(bytes, 0, static_cast<std::size_t>(got));
  }
  return piece;
}

std::string last_shim_lines(const std::filesystem::path& folder,
                            int stream,
                            std::size_t lines,
                            std::size_t most) {
  const auto end = read_shim_output(folder, stream, 0, 0);
  if (!end) {
    return "";
  }
  const auto from = end->total > most ? end->total - most : 0;
  auto piece = read_shim_output(folder, stream, from, most);
  if (!piece) {
    return "";
  }
  std::string text = std::move(piece->bytes);
  if (piece->offset > 0 && from > 0) {  // begins in the middle of a line, perhaps
    text.erase(0, std::min(text.find('\n'), text.size() - 1) + (text.empty() ? 0 : 1));
  }
  auto at = text.size();
  for (std::size_t line = 0; line < lines && at > 0; ++line) {
    const auto before = text.rfind('\n', at >= 2 ? at - 2 : std::string::npos);
    if (at < 2 || before == std::string::npos) {
      return text;
    }
    at = before + 1;
  }
  return text.substr(at);
}

}  // namespace steward::runtime
