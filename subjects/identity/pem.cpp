#include "subjects/identity/pem.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

namespace steward::identity {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kLineLetters = 64;

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '=';
}

// Base64 without line ends into bytes.
Result<Secret> decode_body(const Secret& letters) {
  const auto text = letters.view();
  const auto significant = text.find_last_not_of('=') + 1;  // 0 where there is none
  const std::size_t padding = text.size() - significant;
  if (significant == 0 || text.size() % 4 != 0 || padding > 2 ||
      text.substr(0, significant).find('=') != std::string_view::npos) {
    return failure(ErrorCode::bad_payload, "a PEM block is not whole");
  }
  Secret bytes(text.size() / 4 * 3);
  const int count = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()));
  if (count < 0) {
    return failure(ErrorCode::bad_payload, "a PEM block is not base64");
  }
  bytes.shorten(static_cast<std::size_t>(count) - padding);
  return bytes;
}

// The block behind its first line, up to its last one.
Result<Secret> read_block_body(std::string_view& text, std::string_view name) {
  const std::string last = std::string(kEnd).append(name).append(kDashes);
  Secret letters(text.size());
  std::size_t count = 0;
  while (!text.empty()) {
    const auto line = next_line(text);
    if (line == last) {
      letters.shorten(count);
      return decode_body(letters);
    }
    if (!std::all_of(line.begin(), line.end(), &is_letter)) {
      break;
    }
    std::copy(line.begin(), line.end(), letters.data() + count);
    count += line.size();
  }
  return failure(ErrorCode::bad_payload, "a PEM block has no end, or not only base64 inside");
}

}  // namespace

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

Result<Secret> encode_pem(std::string_view name, std::string_view der) {
  Secret letters((der.size() + 2) / 3 * 4 + 1);  // EVP_EncodeBlock adds a zero
  const int count = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(letters.data()),
                                    reinterpret_cast<const unsigned char*>(der.data()),
                                    static_cast<int>(der.size()));
  if (count < 0) {
    return failure(ErrorCode::internal, "write PEM");
  }
  letters.shorten(static_cast<std::size_t>(count));
  const std::string first = std::string(kBegin).append(name).append(kDashes).append("\n");
  const std::string last = std::string(kEnd).append(name).append(kDashes).append("\n");
  Secret pem(first.size() + letters.size() + (letters.size() + kLineLetters - 1) / kLineLetters +
             last.size());
  char* to = std::copy(first.begin(), first.end(), pem.data());
  for (auto rest = letters.view(); !rest.empty();) {
    const auto line = rest.substr(0, kLineLetters);
    to = std::copy(line.begin(), line.end(), to);
    *to++ = '\n';
    rest.remove_prefix(line.size());
  }
  std::copy(last.begin(), last.end(), to);
  return pem;
}

Result<std::vector<PemBlock>> decode_pem(std::string_view text, std::size_t most) {
  std::vector<PemBlock> blocks;
  while (!text.empty()) {
    auto line = next_line(text);
    if (line.empty()) {
      continue;
    }
    if (blocks.size() == most || !line.starts_with(kBegin) || !line.ends_with(kDashes) ||
        line.size() <= kBegin.size() + kDashes.size()) {
      return failure(ErrorCode::bad_payload, "not PEM, or more blocks than are meant here");
    }
    line.remove_prefix(kBegin.size());
    line.remove_suffix(kDashes.size());
    std::string name(line);
    STEWARD_TRY(auto der, read_block_body(text, name));
    blocks.push_back({std::move(name), std::move(der)});
  }
  if (blocks.empty()) {
    return failure(ErrorCode::bad_payload, "there is no PEM block");
  }
  return blocks;
}

}  // namespace steward::identity
