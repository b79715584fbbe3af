#include "handlers/syslogforwarding/replay.hpp"

#include "handlers/runtime/system_journal.hpp"
#include "handlers/syslogforwarding/sources/followed_file.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr std::size_t kScanBytes = std::size_t{256} * 1024;
constexpr std::size_t kTimeBytes = 1'024;  // of a line: its time is in its beginning

// As JournalSource writes the cursor of an entry that is the next one.
constexpr char kReplayFrom = '@';

// What the parser says the line says; none where it says nothing. The time of arrival stands in for
// that: no line is of the year 1970.
std::optional<std::int64_t> time_said(std::string_view line, LineParser& parser) {
  constexpr std::int64_t kNever = -1;
  wire::LogRecord record;
  parser.parse(line.substr(0, kTimeBytes), Origin::file, kNever, record);
  return record.time_us == kNever ? std::nullopt : std::optional(record.time_us);
}

void set_place(Feed& feed, std::uint64_t seq, std::uint64_t offset, std::uint64_t tail) {
  feed.mark.seq = seq;
  feed.mark.offset = offset;
  feed.mark.tail = tail;
  feed.saved = feed.mark;
  for (auto& [domain, lane] : feed.lanes) {
    lane.kept = lane.covered = seq - 1;
  }
}

// The same place under new numbers, in the stead of the old one.
Result<Feed> begin_epoch(Store& store, const Feed& old, Mark mark, runtime::Clock& clock) {
  Feed feed(old.source, clock.new_id(), Feed::Kind::rereadable);
  feed.path = old.path;
  feed.identity = old.identity;
  feed.mark = std::move(mark);
  feed.saved = feed.mark;
  if (auto added = store.add(feed); !added) {
    return tl::unexpected<Error>(std::move(added).error());
  }
  if (auto removed = store.remove(old); !removed) {
    return tl::unexpected<Error>(std::move(removed).error());
  }
  return feed;
}

Result<Replayed> replay_file(Store& store,
                             Feed& feed,
                             const wire::LogRequest& request,
                             runtime::Clock& clock,
                             LineParser& parser) {
  Replayed done{feed.source, 0, feed.epoch.str(), ""};
  const runtime::Fd file(::open(feed.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

  struct stat found {};

  if (!file || ::fstat(file.get(), &found) != 0 ||
      !is_same_file(
          file.get(), static_cast<std::uint64_t>(found.st_size), feed.identity, feed.mark)) {
    done.note = "it has lost its name, or was written anew";
    return done;
  }
  const auto since = request.since
                         ? std::optional<std::int64_t>(request.since->time_since_epoch().count())
                         : std::nullopt;
  STEWARD_TRY(const auto place, find_time(file.get(), feed.mark.offset, since, parser));
  if (place.offset >= feed.mark.offset) {
    done.note = "nothing of it was read that is so late";
    return done;
  }
  const auto tail = hash_of_tail(file.get(), place.offset).value_or(0);
  if (place.lines + 1 == feed.mark.seq) {
    set_place(feed, place.lines_before + 1, place.offset, tail);
    done.from = feed.mark.seq;
    auto saved = store.save({&feed});
    return saved ? Result<Replayed>(done) : tl::unexpected<Error>(std::move(saved).error());
  }
  // Its numbers do not count from the file's beginning: those of lines before it are not known.
  STEWARD_TRY(const auto begun, begin_epoch(store, feed, {1, place.offset, tail, {}}, clock));
  done.from = 1;
  done.epoch = begun.epoch.str();
  return done;
}

// The cursor of the first entry that is meant; empty where there is none.
Result<std::string> journal_place(const wire::LogRequest& request, const Settings& settings) {
  if (!request.cursor.empty()) {
    return request.cursor;
  }
  STEWARD_TRY(const auto journal, runtime::SystemJournal::open(settings.journal_dir));
  auto sought = request.since ? journal->seek_time(static_cast<std::uint64_t>(
                                    request.since->time_since_epoch().count()))
                              : journal->seek_begin();
  if (!sought) {
    return tl::unexpected<Error>(std::move(sought).error());
  }
  runtime::JournalEntry entry;
  STEWARD_TRY(const bool any, journal->next(entry));
  return any ? journal->cursor() : std::string();
}

Result<Replayed> replay_journal(Store& store,
                                const Feed& feed,
                                const wire::LogRequest& request,
                                const Settings& settings,
                                runtime::Clock& clock) {
  Replayed done{feed.source, 1, feed.epoch.str(), ""};
  auto cursor = journal_place(request, settings);
  if (!cursor || cursor->empty()) {
    done.from = 0;
    done.note = cursor ? "nothing of it is so late" : cursor.error().text();
    return done;
  }
  STEWARD_TRY(const auto begun, begin_epoch(store, feed, {1, 0, 0, kReplayFrom + *cursor}, clock));
  done.epoch = begun.epoch.str();
  return done;
}

// Its ring alone, whole: the kernel numbers its messages itself.
Result<Replayed> replay_kernel(Store& store, Feed& feed) {
  set_place(feed, 1, 0, 0);
  auto saved = store.save({&feed});
  return saved ? Result<Replayed>(Replayed{feed.source, 1, feed.epoch.str(), ""})
               : tl::unexpected<Error>(std::move(saved).error());
}

}  // namespace

Result<TimePlace> find_time(int file,
                            std::uint64_t end,
                            std::optional<std::int64_t> since_us,
                            LineParser& parser) {
  TimePlace place;
  bool found = !since_us;
  std::string buffer(kScanBytes, '\0');
  std::uint64_t line_at = 0;  // where the one begins that has no end yet
  std::string line;           // its beginning
  for (std::uint64_t at = 0; at < end;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(end - at, buffer.size()));
    const auto got = ::pread(file, buffer.data(), wanted, static_cast<off_t>(at));
    if (got <= 0) {
      return tl::unexpected<Error>(system_error(got == 0 ? EIO : errno, "read a log again"));
    }
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    at += bytes.size();
    while (!bytes.empty()) {
      const auto line_end = bytes.find('\n');
      const auto part = bytes.substr(0, line_end);
      if (!found && line.size() < kTimeBytes) {
        line += part.substr(0, kTimeBytes - line.size());
      }
      if (line_end == std::string_view::npos) {
        break;
      }
      bytes.remove_prefix(line_end + 1);
      if (!found) {
        const auto time = time_said(line, parser);
        found = time && *time >= *since_us;
        place.offset = line_at;
        place.lines_before = place.lines;
        line.clear();
      }
      ++place.lines;
      line_at = at - bytes.size();
    }
  }
  if (!found) {
    place.offset = end;
    place.lines_before = place.lines;
  }
  return place;
}

Result<std::vector<Replayed>> set_back(Store& store,
                                       const wire::LogRequest& request,
                                       const Settings& settings,
                                       runtime::Clock& clock,
                                       LineParser& parser) {
  STEWARD_TRY(const auto feeds, store.feeds());
  std::vector<Replayed> all;
  for (const auto& feed : feeds) {
    if (::fnmatch(request.source.c_str(), feed->source.c_str(), 0) != 0) {
      continue;
    }
    const bool kernel = feed->source.starts_with("kernel:");
    STEWARD_TRY(auto done,
                !feed->path.empty() ? replay_file(store, *feed, request, clock, parser)
                : kernel            ? replay_kernel(store, *feed)
                                    : replay_journal(store, *feed, request, settings, clock));
    all.push_back(std::move(done));
  }
  return all;
}

}  // namespace steward::handlers::syslogforwarding
