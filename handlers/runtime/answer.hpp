#pragma once

#include "handlers/runtime/context.hpp"

#include <string>

namespace steward::runtime {

// Ends a command that the handler has taken: `done` with its result (a JSON object as text), or
// `failed` with what went wrong. On the handler's thread.
void answer(const Context& context, const wire::MessageId& ref, Result<std::string> result);

}  // namespace steward::runtime
