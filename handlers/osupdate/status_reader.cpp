#include "handlers/osupdate/status_reader.hpp"

#include "handlers/runtime/shim_output.hpp"

#include <utility>

namespace steward::handlers::osupdate {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr int kStatusStream = 2;

}  // namespace

void StatusReader::begin(std::filesystem::path folder) {
  folder_ = std::move(folder);
  read_ = 0;
  rest_.clear();
}

void StatusReader::read_to(std::uint64_t total) {
  while (read_ < total) {
    auto piece = runtime::read_shim_output(folder_, kStatusStream, read_, kPiece);
    if (!piece || piece->bytes.empty()) {
      return;
    }
    if (piece->offset > read_) {
      rest_.clear();
    }
    read_ = piece->offset + piece->bytes.size();
    rest_ += piece->bytes;
    std::size_t from = 0;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', from)) {
      line_(std::string_view(rest_).substr(from, end - from));
      from = end + 1;
    }
    rest_.erase(0, from);
    if (rest_.size() > kPiece) {
      rest_.clear();
    }
  }
}

}  // namespace steward::handlers::osupdate
