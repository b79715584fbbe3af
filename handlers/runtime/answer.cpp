#include "handlers/runtime/answer.hpp"

#include <utility>

namespace steward::runtime {

void answer(const Context& context, const wire::MessageId& ref, Result<std::string> result) {
  wire::Ack ack{.ref = ref, .domain = context.domain.str(), .state = wire::CommandState::done};
  if (result) {
    ack.result = *std::move(result);
  } else {
    ack.state = wire::CommandState::failed;
    ack.code = std::string(word(result.error().code));
    ack.message = result.error().message;
  }
  context.publisher.reply(std::move(ack));
}

}  // namespace steward::runtime
