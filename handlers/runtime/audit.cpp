#include "handlers/runtime/audit.hpp"

#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"
#include "subjects/wire/ack.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace steward::runtime {
namespace {

// Asked every few seconds by whoever looks on; of these only what was not allowed is recorded.
constexpr std::array<std::string_view, 4> kLooks{"hello", "query", "outbox", "tail"};

bool is_look(const std::string& method) {
  return std::find(kLooks.begin(), kLooks.end(), method) != kLooks.end();
}

}  // namespace

Result<std::unique_ptr<Audit>> Audit::attach(std::filesystem::path file,
                                             bus::Guard& guard,
                                             const Clock& clock,
                                             const Logger& log) {
  STEWARD_TRY(auto opened, bus::AuditLog::open(std::move(file), guard.own(), clock.now()));
  if (!opened.notice.empty()) {
    log.error(opened.notice);
  }
  if (opened.unsealed > 0) {
    log.warning(std::to_string(opened.unsealed) +
                " records at the end of the audit are not sealed, as after a kill: whoever could "
                "write the file may have altered them");
  }
  std::unique_ptr<Audit> audit(new Audit(std::move(opened.log), clock, log));
  guard.set_witness(
      [own = audit.get()](const wire::Envelope& command,
                          std::string_view payload,
                          const Result<void>& verdict) { own->asked(command, payload, verdict); });
  return audit;
}

void Audit::asked(const wire::Envelope& command,
                  std::string_view payload,
                  const Result<void>& verdict) {
  if (verdict && is_look(command.subject.method.str())) {
    return;
  }
  write({.at = clock_.now(),
         .kind = "asked",
         .id = command.id.str(),
         .by = command.source.str(),
         .key = command.key_id,
         .subject = command.subject.str(),
         .verdict = verdict ? "allowed" : std::string(word(verdict.error().code)),
         .digest = identity::hex(identity::sha256(payload))});
}

void Audit::said(const bus::Message& message) {
  if (message.subject.find(".event.ack.") == std::string::npos) {
    return;
  }
  const auto ack = wire::decode_ack(message.payload);
  if (!ack || !wire::is_terminal(ack->state)) {
    return;
  }
  write({.at = clock_.now(),
         .kind = "ended",
         .id = ack->ref.str(),
         .verdict = ack->code.empty() ? std::string(word(ack->state)) : ack->code,
         .summary = std::string(word(ack->state))});
}

void Audit::tend() { log_->tend(clock_.now()); }

void Audit::write(const identity::AuditRecord& record) {
  const auto written = log_->append(record);
  if (const bool failing = !written; failing_.exchange(failing) != failing) {
    failing ? say_.error("the audit cannot be written: " + written.error().text())
            : say_.warning("the audit can be written again");
  }
}

}  // namespace steward::runtime
