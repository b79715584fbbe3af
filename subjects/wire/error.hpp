#pragma once

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace steward {

// What went wrong, as a stable word that travels in ACKs. Words are never reused; the table in
// subjects/wire/README.md lists each with what a caller may do about it, and a test holds the two
// together.
enum class ErrorCode {
  bad_subject,
  bad_envelope,
  bad_payload,
  unsupported,
  too_large,
  wrong_node,
  expired,
  no_handler,
  overloaded,
  conflict,
  not_signed,
  bad_signature,
  unknown_signer,
  denied,
  not_found,
  exec_failed,
  no_such_user,
  limits_unavailable,
  unkillable,
  busy,
  handler_crashed,
  agent_stopped,
  forgotten,
  unavailable,
  timed_out,
  bad_config,
  permission,
  no_space,
  io,
  internal,
};

// The word of a code: "bad_payload".
std::string_view word(ErrorCode code);

// The code of a word, none for a word that is not in the table.
std::optional<ErrorCode> parse_error_code(std::string_view text);

// An error that a function of ours returns: the code is for programs, the message for people.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;

  // The same error, its message preceded by what was being done: "open spool /x: permission
  // denied".
  [[nodiscard]] Error with_context(std::string_view doing) &&;

  // "bad_payload: argv must not be empty", for logs and terminals.
  [[nodiscard]] std::string text() const;
};

template <class T = void>
using Result = tl::expected<T, Error>;

// The unexpected value to return: `return failure(ErrorCode::io, "read /proc/stat: ...");`
[[nodiscard]] tl::unexpected<Error> failure(ErrorCode code, std::string message);

// The error of a failed system call: maps errno to a code (EACCES, EPERM: permission; ENOSPC,
// EDQUOT: no_space; ENOENT: not_found; else io) and adds the system's words for it.
[[nodiscard]] Error system_error(int error_number, std::string_view doing);

}  // namespace steward

#define STEWARD_TRY_JOIN_(a, b) a##b
#define STEWARD_TRY_NAME_(line) STEWARD_TRY_JOIN_(steward_try_, line)

// Declares (or assigns) a variable from a Result, or returns its error to the caller:
//   STEWARD_TRY(auto subject, Subject::parse(text));
#define STEWARD_TRY(declaration, expression)                                               \
  auto STEWARD_TRY_NAME_(__LINE__) = (expression);                                         \
  if (!STEWARD_TRY_NAME_(__LINE__))                                                        \
    return tl::unexpected<steward::Error>(std::move(STEWARD_TRY_NAME_(__LINE__)).error()); \
  declaration = *std::move(STEWARD_TRY_NAME_(__LINE__))
