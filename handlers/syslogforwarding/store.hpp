#pragma once

#include "handlers/syslogforwarding/feed.hpp"
#include "subjects/wire/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::syslogforwarding {

// What the forwarder keeps on disk: how far the broker has each source that can be read again, and
// the batches of those that cannot. Written before it is acted on; an end of the process loses
// nothing of it, a power cut what was written since the last sync(). One thread. Errors of every
// function: io, no_space, permission, busy.
class Store {
 public:
  struct Opened {
    std::unique_ptr<Store> store;
    std::string notice;  // what people should know: a damaged one was put aside
  };

  [[nodiscard]] static Result<Opened> open(const std::filesystem::path& file);

  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Sources that can be read again: row, source, epoch, identity, path, mark, and lanes' `kept`.
  [[nodiscard]] Result<std::vector<std::shared_ptr<Feed>>> feeds();
  [[nodiscard]] Result<void> add(Feed& feed);  // gives it its row
  [[nodiscard]] Result<void> save(const std::vector<const Feed*>& feeds);
  [[nodiscard]] Result<void> remove(const Feed& feed);

  // Batches, the oldest first. Gives the parcel its row.
  [[nodiscard]] Result<void> put(Parcel& parcel);
  [[nodiscard]] Result<std::shared_ptr<Parcel>> next(std::int64_t after);  // null: there is none
  [[nodiscard]] Result<void> erase(std::int64_t row);
  [[nodiscard]] Result<std::optional<wire::MessageId>> oldest();

  // Takes the lines out of the batch that is missed least of those behind that row: the least
  // severe, of these the oldest. What it was is remembered, and said in its place. The lines; 0
  // where there is none left.
  [[nodiscard]] Result<std::uint64_t> drop_one(std::int64_t behind);

  // Of the batches, their rows' overhead not counted.
  std::size_t spool_bytes() const { return spool_bytes_; }

  std::uint64_t spool_batches() const { return spool_batches_; }

  // Brings to the disk what was written.
  [[nodiscard]] Result<void> sync();

 private:
  class Database;
  explicit Store(std::unique_ptr<Database> database);

  const std::unique_ptr<Database> database_;
  std::size_t spool_bytes_ = 0;
  std::uint64_t spool_batches_ = 0;
};

}  // namespace steward::handlers::syslogforwarding
