#pragma once

#include "tools/stewardctl/session.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace steward::ctl {

// The broker's receipts for commands that were published: it says whether a stream keeps each of
// them. A broker without such a stream says nothing.
class Receipts {
 public:
  // Hears receipts from now on. Errors: bad_subject.
  [[nodiscard]] static Result<std::unique_ptr<Receipts>> open(Session& session);

  // Asks for a receipt for this message.
  void ask_for(bus::Message& message);

  // Takes a message if it is a receipt.
  bool take(const Delivery& delivery);

  std::size_t asked() const { return asked_; }

  std::size_t stored() const { return stored_; }

  // Every message was kept, or one was not and the reason is there.
  bool complete() const { return stored_ == asked_ || refusal_; }

  // Why a message is not kept, in words and with what to do about it.
  const std::optional<Error>& refusal() const { return refusal_; }

 private:
  explicit Receipts(std::string inbox) : inbox_(std::move(inbox)) {}

  const std::string inbox_;
  std::set<std::string> awaited_;
  std::size_t asked_ = 0;
  std::size_t stored_ = 0;
  std::optional<Error> refusal_;
};

// What a broker's receipt says: nothing where the message is kept. Errors: no_space (the stream is
// full), unavailable (nobody keeps it), io (any other reason of the broker's).
[[nodiscard]] Result<void> read_receipt(const bus::Message& message);

}  // namespace steward::ctl
