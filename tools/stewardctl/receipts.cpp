#include "tools/stewardctl/receipts.hpp"

#include "subjects/wire/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace steward::ctl {

namespace {

// The broker's numbers for a stream that takes no more: bytes, messages, of a subject.
constexpr int kMaximumBytes = 10077;
constexpr int kMaximumMessages = 10047;
constexpr int kMaximumStore = 10023;

bool means_full(std::int64_t code, const std::string& description) {
  return code == kMaximumBytes || code == kMaximumMessages || code == kMaximumStore ||
         description.find("maximum") != std::string::npos;
}

}  // namespace

Result<void> read_receipt(const bus::Message& message) {
  const auto status = message.headers.find("Status");
  if (message.payload.empty() && status && *status == "503") {
    return failure(ErrorCode::unavailable, "nobody on the broker hears or keeps it");
  }
  STEWARD_TRY(const auto receipt, wire::parse_json(message.payload));
  if (!receipt.is_object()) {
    return failure(ErrorCode::io, "the broker's receipt cannot be read");
  }
  wire::Fields fields(receipt);
  const std::string stream = fields.text("stream");
  std::int64_t code = 0;
  std::string description;
  fields.object("error", [&](wire::Fields& error) {
    code = error.integer("err_code", 0, 0, 1'000'000);
    description = error.text("description");
  });
  if (code == 0 && description.empty()) {
    return {};
  }
  if (means_full(code, description)) {
    return failure(ErrorCode::no_space,
                   fmt::format("the broker's stream {} is full ({}): it keeps no more commands.\n"
                               "Give it more room, or wait until old ones have aged out",
                               stream.empty() ? "for commands" : stream,
                               description));
  }
  return failure(ErrorCode::io, fmt::format("the broker does not keep it: {}", description));
}

Result<std::unique_ptr<Receipts>> Receipts::open(Session& session) {
  auto receipts = std::unique_ptr<Receipts>(new Receipts(session.bus().new_inbox()));
  if (auto heard = session.listen(receipts->inbox_ + ".*"); !heard) {
    return tl::unexpected<Error>(std::move(heard).error());
  }
  return receipts;
}

void Receipts::ask_for(bus::Message& message) {
  message.reply = fmt::format("{}.{}", inbox_, ++asked_);
  awaited_.insert(message.reply);
}

bool Receipts::take(const Delivery& delivery) {
  const std::string& subject = delivery.message.subject;
  if (subject.rfind(inbox_ + ".", 0) != 0) {
    return false;
  }
  if (awaited_.erase(subject) == 0) {
    return true;
  }
  if (auto read = read_receipt(delivery.message); read) {
    ++stored_;
  } else if (!refusal_) {
    refusal_ = std::move(read).error();
  }
  return true;
}

}  // namespace steward::ctl
