#include "subjects/wire/subject.hpp"

#include <array>
#include <cstddef>

namespace steward::wire {
namespace {

constexpr std::string_view kAll = "@all";
constexpr std::size_t kLongestSubject = 63 + 1 + 7 + 1 + 64 + 1 + 64;

}  // namespace

std::string_view word(Kind kind) { return kind == Kind::command ? "command" : "event"; }

Result<Subject> Subject::parse(std::string_view text) {
  if (text.size() > kLongestSubject) {
    return failure(ErrorCode::bad_subject, "the subject is longer than any valid one");
  }
  std::array<std::string_view, 4> tokens;
  std::size_t count = 0;
  for (std::size_t from = 0;; ++count) {
    const auto dot = text.find('.', from);
    if (count < tokens.size()) {
      tokens[count] = text.substr(from, dot - from);
    }
    if (dot == std::string_view::npos) {
      break;
    }
    from = dot + 1;
  }
  if (++count != tokens.size()) {
    return failure(ErrorCode::bad_subject,
                   "a subject has four tokens: <node>.<command|event>.<method>.<domain>");
  }
  const auto [node, kind, method, domain] = tokens;
  if (kind != "command" && kind != "event") {
    return failure(ErrorCode::bad_subject, "the second token must be 'command' or 'event'");
  }
  STEWARD_TRY(auto method_token, Token::parse(method));
  STEWARD_TRY(auto domain_token, Token::parse(domain));
  Subject subject{std::nullopt,
                  kind == "command" ? Kind::command : Kind::event,
                  std::move(method_token),
                  std::move(domain_token)};
  if (node == kAll) {
    if (subject.kind == Kind::event) {
      return failure(ErrorCode::bad_subject, "'@all' is for commands: an event has one source");
    }
    return subject;
  }
  STEWARD_TRY(subject.node, NodeName::parse(node));
  return subject;
}

std::string Subject::str() const {
  std::string text(node ? std::string_view(node->str()) : kAll);
  text.append(".").append(word(kind)).append(".");
  return text.append(method.str()).append(".").append(domain.str());
}

}  // namespace steward::wire
