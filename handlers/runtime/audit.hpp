#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/log.hpp"
#include "subjects/bus/audit_log.hpp"
#include "subjects/bus/guard.hpp"
#include "subjects/bus/message.hpp"

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

namespace steward::runtime {

// Of a state directory.
inline constexpr const char* kAuditFile = "audit.log";

// Records who asked what, the verdict, and what became of it. What cannot be written stops nothing:
// it is said, counted, and the count recorded later. Any thread.
class Audit {
 public:
  // Hears the verdicts of that guard from now on, and seals with its key. Guard and clock outlive
  // it; nobody asks the guard any more when it ends. Errors: those of bus::AuditLog::open().
  [[nodiscard]] static Result<std::unique_ptr<Audit>> attach(std::filesystem::path file,
                                                             bus::Guard& guard,
                                                             const Clock& clock,
                                                             const Logger& log);

  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  // A message that a unit has recorded: of an ACK that ends a command, the end.
  void said(const bus::Message& message);

  void write(const identity::AuditRecord& record);

  // Seals what has waited a minute for it. To be called now and then.
  void tend();

 private:
  Audit(std::unique_ptr<bus::AuditLog> log, const Clock& clock, Logger say)
      : log_(std::move(log)), clock_(clock), say_(std::move(say)) {}

  void asked(const wire::Envelope& command, std::string_view payload, const Result<void>& verdict);

  const std::unique_ptr<bus::AuditLog> log_;
  const Clock& clock_;
  const Logger say_;
  std::atomic<bool> failing_{false};
};

}  // namespace steward::runtime
