#pragma once

#include "subjects/wire/error.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace steward::wire {

// The unique name of a unit or station: a lower-case DNS label, 1 to 63 characters of [a-z0-9-], no
// dash first or last. Checked wherever one enters: a login named "*" gets every unit's subjects.
class NodeName {
 public:
  // Errors: bad_subject, with the text and the rule.
  [[nodiscard]] static Result<NodeName> parse(std::string_view text);

  const std::string& str() const { return text_; }

  auto operator<=>(const NodeName&) const = default;

 private:
  explicit NodeName(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

// A method or a domain: 1 to 64 characters of [A-Za-z0-9_-], case-sensitive.
class Token {
 public:
  // Errors: bad_subject, with the text and the rule.
  [[nodiscard]] static Result<Token> parse(std::string_view text);

  const std::string& str() const { return text_; }

  auto operator<=>(const Token&) const = default;

 private:
  explicit Token(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

// The id of a message: a ULID, 26 characters of Crockford's base32, upper case. Sorts by the time
// of its making. Source: github.com/ulid/spec.
class MessageId {
 public:
  // 80 random bits for an id; the caller's generator is an argument so that tests repeat.
  using Randomness = std::array<std::uint8_t, 10>;

  // Takes either case, gives upper case. Errors: bad_envelope.
  [[nodiscard]] static Result<MessageId> parse(std::string_view text);

  // The id for that many milliseconds since 1970 (48 bits are kept) and those bits.
  static MessageId make(std::uint64_t unix_milliseconds, const Randomness& random);

  std::string_view view() const { return {text_.data(), text_.size()}; }

  std::string str() const { return std::string(view()); }

  // Milliseconds since 1970 of its making, as its maker's clock had it.
  std::uint64_t unix_milliseconds() const;

  auto operator<=>(const MessageId&) const = default;

 private:
  MessageId() = default;

  std::array<char, 26> text_{};
};

// Who made a message: "/ship1", "/station" or "/operator/<id>", one or two parts of
// [A-Za-z0-9._@+-]{1,128}.
class Source {
 public:
  // Errors: bad_envelope.
  [[nodiscard]] static Result<Source> parse(std::string_view text);

  static Source node(const NodeName& name) { return Source("/" + name.str()); }

  const std::string& str() const { return text_; }

  auto operator<=>(const Source&) const = default;

 private:
  explicit Source(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

}  // namespace steward::wire

template <>
struct std::hash<steward::wire::NodeName> {
  std::size_t operator()(const steward::wire::NodeName& name) const noexcept {
    return std::hash<std::string>{}(name.str());
  }
};

template <>
struct std::hash<steward::wire::MessageId> {
  std::size_t operator()(const steward::wire::MessageId& id) const noexcept {
    return std::hash<std::string_view>{}(id.view());
  }
};
