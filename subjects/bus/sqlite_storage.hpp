#pragma once

#include "subjects/bus/storage.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace steward::bus {

// edge.db: a unit's commands and events in one SQLite file (README.md lists its tables). Nobody
// else can open it meanwhile. One thread at a time.
class SqliteStorage final : public Storage {
 public:
  struct Opened {
    std::unique_ptr<SqliteStorage> storage;
    std::string notice;  // what was found wrong and done about it, to be said loudly; or empty
  };

  // Opens the file, or makes it. One that is damaged is moved aside, to a name that the notice
  // says, and a new one begun; nothing is ever deleted. Errors also: unsupported (a newer version
  // of steward, or something else, has written it; it is left as it is).
  [[nodiscard]] static Result<Opened> open(const std::filesystem::path& file, wire::Timestamp now);

  ~SqliteStorage() override;
  SqliteStorage(const SqliteStorage&) = delete;
  SqliteStorage& operator=(const SqliteStorage&) = delete;

  Result<void> begin() override;
  Result<void> commit() override;
  void rollback() override;

  Result<std::optional<CommandRow>> find(const wire::MessageId& id) override;
  Result<void> add(const CommandRow& row, const Message* message) override;
  Result<void> change(const CommandRow& row) override;
  Result<std::vector<CommandRow>> unfinished() override;
  Result<std::optional<Message>> message_of(const wire::MessageId& id) override;
  Result<std::size_t> prune(wire::Timestamp before, std::size_t most) override;

  Result<void> add_event(const wire::Position& position,
                         wire::Timestamp recorded,
                         const Message& message) override;
  Result<std::optional<Message>> event(const wire::Position& position) override;
  Result<void> erase_events(const wire::MessageId& epoch, std::uint64_t upto) override;
  Result<void> visit_events(const std::function<void(const KeptEvent&)>& see) override;

  Result<std::size_t> bytes() override;

  // Lets it grow to so many pages only, as a full disk would.
  void limit_pages(int pages);

 private:
  class Database;
  explicit SqliteStorage(std::unique_ptr<Database> database);

  const std::unique_ptr<Database> database_;
};

}  // namespace steward::bus
