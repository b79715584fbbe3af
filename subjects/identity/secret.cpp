#include "subjects/identity/secret.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace steward::identity {

Secret::Secret(std::size_t bytes)
    : bytes_(std::make_unique<char[]>(bytes)), size_(bytes), capacity_(bytes) {}

Secret Secret::copy_of(std::string_view bytes) {
  Secret secret(bytes.size());
  std::copy(bytes.begin(), bytes.end(), secret.data());
  return secret;
}

Secret::~Secret() { wipe(); }

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::move(other.bytes_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

void Secret::shorten(std::size_t bytes) {
  if (bytes < size_) {
    OPENSSL_cleanse(bytes_.get() + bytes, size_ - bytes);
    size_ = bytes;
  }
}

void Secret::wipe() {
  if (bytes_) {
    OPENSSL_cleanse(bytes_.get(), capacity_);
  }
}

}  // namespace steward::identity
