#pragma once

#include "handlers/facts/external.hpp"
#include "handlers/facts/sources/source.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/handler.hpp"
#include "handlers/runtime/loop.hpp"
#include "subjects/wire/facts.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace steward::handlers::facts {

// Knows what the unit is, and says what of that has changed.
class FactsHandler final : public runtime::Handler {
 public:
  explicit FactsHandler(runtime::Context& context, Root root = {});

  Result<void> start() override;
  Result<runtime::Admission> receive(const runtime::Command& command) override;
  void link_up() override;

 private:
  using Labels = std::map<std::string, std::string>;

  void read_labels();
  void refresh(std::function<void()> then);
  void gather();
  void add_external(wire::Facts& facts);
  void tell(const wire::Facts& base);

  void act(const wire::MessageId& id, const wire::FactsRequest& request);
  Result<std::string> set(const wire::FactsRequest& request);
  std::string found(const std::vector<std::string>& keys) const;

  runtime::Context& context_;
  const Root root_;
  const std::chrono::milliseconds interval_;
  Labels configured_;
  Labels labels_;  // of commands; an empty one takes a configured one away
  Packages packages_;
  ExternalFacts external_;
  runtime::Complaint complaint_;
  wire::Facts now_;
  wire::Facts told_;                          // what the station has been told
  std::map<std::string, std::string> left_;   // external facts that were not taken, and why
  std::chrono::microseconds took_{0};         // of our own, without external ones
  std::chrono::steady_clock::time_point at_;  // of the last refresh
  runtime::Timer beat_;
  runtime::Timer phase_;
};

}  // namespace steward::handlers::facts
