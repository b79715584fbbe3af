#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace steward::identity {

// Bytes that nobody else may see: they are overwritten when their owner ends. Moves, never copies.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t bytes);  // that many zeros

  // The bytes of another place; that place is the caller's to wipe.
  static Secret copy_of(std::string_view bytes);

  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;

  std::string_view view() const { return {bytes_.get(), size_}; }

  char* data() { return bytes_.get(); }

  std::size_t size() const { return size_; }

  // Ends earlier than it was made; the rest is overwritten.
  void shorten(std::size_t bytes);

 private:
  void wipe();

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace steward::identity
