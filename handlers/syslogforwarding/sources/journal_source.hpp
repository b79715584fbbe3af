#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/system_journal.hpp"
#include "handlers/syslogforwarding/forwarder.hpp"
#include "handlers/syslogforwarding/sources/source.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::syslogforwarding {

// Follows systemd's journal. Its cursor is kept with those of the files: after a restart it goes on
// behind the last entry that the broker has acknowledged.
class JournalSource final : public LogSource {
 public:
  // `left`: what an earlier run has left in the store.
  JournalSource(runtime::Context& context,
                Forwarder& forwarder,
                const Settings& settings,
                const std::vector<std::shared_ptr<Feed>>& left);
  ~JournalSource() override;

  Result<void> start() override;
  void go_on() override;
  std::string name() const override;

 private:
  Result<void> go_to_place();
  void look();
  void read();
  void take(const runtime::JournalEntry& entry, std::int64_t received_us);
  void begin_anew(const std::string& cursor);
  void keep_place(const std::string& cursor);
  void check_numbers(const std::string& cursor);

  runtime::Context& context_;
  Forwarder& forwarder_;
  const Settings& settings_;
  std::shared_ptr<Feed> feed_;
  // Whether the next entry is sure to be the one behind the last.
  enum class Next { sure, perhaps, not_it };
  Next next_ = Next::sure;
  std::unique_ptr<runtime::SystemJournal> journal_;
  std::optional<runtime::FdWatcher> watcher_;
  runtime::Timer look_;
  runtime::Timer read_;
};

}  // namespace steward::handlers::syslogforwarding
