#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace steward::handlers::syslogforwarding {

// Cuts what comes on one connection into messages (RFC 6587), whatever their sender does: a count
// before each, or a line feed or NUL behind it. What first ends a message of a connection, line
// feed or NUL, ends them all; a count is seen at any message. One thread.
class Framer {
 public:
  // `whole`: how long it was before it was cut to `most`; 0: it is whole.
  using Take = std::function<void(std::string_view message, std::size_t whole)>;

  explicit Framer(std::size_t most) : most_(most) {}

  void feed(std::string_view bytes, const Take& take);

  // The connection has ended: what waits for its end is a message.
  void end(const Take& take);

 private:
  std::size_t consume(std::string_view bytes, const Take& take);
  std::size_t counted(std::string_view bytes, const Take& take);
  std::size_t find_end(std::string_view bytes);
  std::size_t ended(std::string_view bytes, const Take& take);
  std::size_t skip(std::string_view bytes, const Take& take);

  const std::size_t most_;
  std::string waiting_;     // the beginning of a message
  std::string cut_;         // of one that is too long, what is kept
  std::size_t whole_ = 0;   // of it, how much has come; 0: there is none
  std::size_t behind_ = 0;  // of it, how much comes yet; 0: until its end is seen
  char end_ = '\0';
  bool end_known_ = false;
};

}  // namespace steward::handlers::syslogforwarding
