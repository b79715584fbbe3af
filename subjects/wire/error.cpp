#include "subjects/wire/error.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

namespace steward {

std::string_view word(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_subject:
      return "bad_subject";
    case ErrorCode::bad_envelope:
      return "bad_envelope";
    case ErrorCode::bad_payload:
      return "bad_payload";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::wrong_node:
      return "wrong_node";
    case ErrorCode::expired:
      return "expired";
    case ErrorCode::no_handler:
      return "no_handler";
    case ErrorCode::overloaded:
      return "overloaded";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::not_signed:
      return "unsigned";
    case ErrorCode::bad_signature:
      return "bad_signature";
    case ErrorCode::unknown_signer:
      return "unknown_signer";
    case ErrorCode::denied:
      return "denied";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::exec_failed:
      return "exec_failed";
    case ErrorCode::no_such_user:
      return "no_such_user";
    case ErrorCode::limits_unavailable:
      return "limits_unavailable";
    case ErrorCode::unkillable:
      return "unkillable";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::handler_crashed:
      return "handler_crashed";
    case ErrorCode::agent_stopped:
      return "agent_stopped";
    case ErrorCode::forgotten:
      return "forgotten";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::timed_out:
      return "timed_out";
    case ErrorCode::bad_config:
      return "bad_config";
    case ErrorCode::permission:
      return "permission";
    case ErrorCode::no_space:
      return "no_space";
    case ErrorCode::io:
      return "io";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

std::optional<ErrorCode> parse_error_code(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    if (word(static_cast<ErrorCode>(i)) == text) {
      return static_cast<ErrorCode>(i);
    }
  }
  return std::nullopt;
}

Error Error::with_context(std::string_view doing) && {
  message.insert(0, ": ").insert(0, doing);
  return std::move(*this);
}

std::string Error::text() const { return std::string(word(code)) + ": " + message; }

tl::unexpected<Error> failure(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

Error system_error(int error_number, std::string_view doing) {
  ErrorCode code = ErrorCode::io;
  switch (error_number) {
    case EACCES:
    case EPERM:
      code = ErrorCode::permission;
      break;
    case ENOSPC:
    case EDQUOT:
      code = ErrorCode::no_space;
      break;
    case ENOENT:
      code = ErrorCode::not_found;
      break;
    default:
      break;
  }
  char text[128] = {};
  const char* words = strerror_r(error_number, text, sizeof text);
  return Error{code, std::string(doing) + ": " + words};
}

}  // namespace steward
