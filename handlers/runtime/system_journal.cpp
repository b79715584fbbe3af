#include "handlers/runtime/system_journal.hpp"

#include <systemd/sd-journal.h>

#include <dlfcn.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace steward::runtime {

namespace {

// A message of more is cut by libsystemd before it is unpacked.
constexpr std::size_t kLongestField = std::size_t{8} * 1024 * 1024;

// The part of a cursor behind "s=" or "i=".
std::string_view part_of(std::string_view cursor, std::string_view name) {
  auto at = cursor.find(name);
  if (at == std::string_view::npos || (at != 0 && cursor[at - 1] != ';')) {
    return {};
  }
  at += name.size();
  return cursor.substr(at, cursor.find(';', at) - at);
}

int number_of(std::string_view text, int low, int high, int fallback) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return good && value >= low && value <= high ? value : fallback;
}

}  // namespace

struct SystemJournal::Api {
  decltype(&sd_journal_open) open = nullptr;
  decltype(&sd_journal_open_directory) open_directory = nullptr;
  decltype(&sd_journal_close) close = nullptr;
  decltype(&sd_journal_add_match) add_match = nullptr;
  decltype(&sd_journal_set_data_threshold) set_data_threshold = nullptr;
  decltype(&sd_journal_seek_head) seek_head = nullptr;
  decltype(&sd_journal_seek_tail) seek_tail = nullptr;
  decltype(&sd_journal_seek_realtime_usec) seek_realtime = nullptr;
  decltype(&sd_journal_seek_cursor) seek_cursor = nullptr;
  decltype(&sd_journal_test_cursor) test_cursor = nullptr;
  decltype(&sd_journal_get_cursor) get_cursor = nullptr;
  decltype(&sd_journal_next) next = nullptr;
  decltype(&sd_journal_previous_skip) previous_skip = nullptr;
  decltype(&sd_journal_get_data) get_data = nullptr;
  decltype(&sd_journal_get_realtime_usec) get_realtime_usec = nullptr;
  decltype(&sd_journal_get_fd) get_fd = nullptr;
  decltype(&sd_journal_process) process = nullptr;
  bool whole = false;

  Api() {
    void* library = ::dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    whole = library != nullptr && find(library, "sd_journal_open", open) &&
            find(library, "sd_journal_open_directory", open_directory) &&
            find(library, "sd_journal_close", close) &&
            find(library, "sd_journal_add_match", add_match) &&
            find(library, "sd_journal_set_data_threshold", set_data_threshold) &&
            find(library, "sd_journal_seek_head", seek_head) &&
            find(library, "sd_journal_seek_tail", seek_tail) &&
            find(library, "sd_journal_seek_realtime_usec", seek_realtime) &&
            find(library, "sd_journal_seek_cursor", seek_cursor) &&
            find(library, "sd_journal_test_cursor", test_cursor) &&
            find(library, "sd_journal_get_cursor", get_cursor) &&
            find(library, "sd_journal_next", next) &&
            find(library, "sd_journal_previous_skip", previous_skip) &&
            find(library, "sd_journal_get_data", get_data) &&
            find(library, "sd_journal_get_realtime_usec", get_realtime_usec) &&
            find(library, "sd_journal_get_fd", get_fd) &&
            find(library, "sd_journal_process", process);
  }

  template <class Function>
  static bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
  }

  // Loaded once, and for good: libraries that have threads or caches of their own do not like to
  // go.
  static const Api& get() {
    static const Api kApi;
    return kApi;
  }
};

struct SystemJournal::Handle {
  Handle(const Api& its_api, sd_journal* its_journal) : api(its_api), journal(its_journal) {}

  ~Handle() { api.close(journal); }

  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  const Api& api;
  sd_journal* const journal;
};

SystemJournal::SystemJournal(const Api& api, std::unique_ptr<Handle> handle)
    : api_(api), handle_(std::move(handle)) {}

SystemJournal::~SystemJournal() = default;

Result<std::unique_ptr<SystemJournal>> SystemJournal::open(const std::string& folder,
                                                           const std::string& unit) {
  const auto& api = Api::get();
  if (!api.whole) {
    return failure(ErrorCode::unsupported, "there is no libsystemd here to read the journal with");
  }
  sd_journal* raw = nullptr;
  const int opened = folder.empty() ? api.open(&raw, SD_JOURNAL_LOCAL_ONLY)
                                    : api.open_directory(&raw, folder.c_str(), 0);
  if (opened < 0) {
    return tl::unexpected(
        system_error(-opened, "open the journal" + (folder.empty() ? "" : " in " + folder)));
  }
  std::unique_ptr<SystemJournal> journal(
      new SystemJournal(api, std::make_unique<Handle>(api, raw)));
  api.set_data_threshold(raw, kLongestField);
  if (!unit.empty()) {
    const auto match = "_SYSTEMD_UNIT=" + unit;
    if (const int matched = api.add_match(raw, match.data(), match.size()); matched < 0) {
      return tl::unexpected(system_error(-matched, "look for " + unit + " in the journal"));
    }
  }
  // Its changes are told from here on; without that they would be missed until it is first asked.
  if (const int watched = api.get_fd(raw); watched < 0) {
    return tl::unexpected(system_error(-watched, "watch the journal"));
  }
  return journal;
}

Result<void> SystemJournal::moved(int result) const {
  return result < 0 ? tl::unexpected(system_error(-result, "read the journal")) : Result<void>();
}

Result<void> SystemJournal::seek_begin() {
  given_ = false;
  return moved(api_.seek_head(handle_->journal));
}

Result<void> SystemJournal::seek_time(std::uint64_t written_us) {
  given_ = false;
  return moved(api_.seek_realtime(handle_->journal, written_us));
}

Result<void> SystemJournal::seek_end(std::size_t last_entries) {
  given_ = false;
  if (auto sought = moved(api_.seek_tail(handle_->journal)); !sought) {
    return sought;
  }
  // libsystemd stands at no entry behind a seek: one step back is the last one.
  const int stepped = api_.previous_skip(handle_->journal, last_entries + 1);
  if (stepped >= 0 && static_cast<std::size_t>(stepped) <= last_entries) {
    return seek_begin();  // there are no more than were asked for
  }
  return moved(stepped);
}

Result<bool> SystemJournal::seek_to(const std::string& cursor) {
  given_ = false;
  if (auto sought = moved(api_.seek_cursor(handle_->journal, cursor.c_str())); !sought) {
    return tl::unexpected<Error>(std::move(sought).error());
  }
  const int stepped = api_.next(handle_->journal);
  if (auto good = moved(stepped); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  if (stepped == 0) {
    return false;  // nothing so late is there
  }
  given_ = true;
  return api_.test_cursor(handle_->journal, cursor.c_str()) > 0;
}

Result<bool> SystemJournal::seek_behind(const std::string& cursor) {
  STEWARD_TRY(const bool found, seek_to(cursor));
  given_ = given_ && !found;
  return found;
}

std::string_view SystemJournal::field(const char* name, std::string& keep) const {
  const void* data = nullptr;
  std::size_t size = 0;
  if (api_.get_data(handle_->journal, name, &data, &size) < 0) {
    return {};
  }
  const std::string_view whole(static_cast<const char*>(data), size);
  keep = whole.substr(std::min(whole.size(), whole.find('=') + 1));  // the next call may unmap it
  return keep;
}

Result<bool> SystemJournal::next(JournalEntry& entry) {
  const int stepped = std::exchange(given_, false) ? 1 : api_.next(handle_->journal);
  if (auto good = moved(stepped); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  if (stepped == 0) {
    return false;
  }
  std::uint64_t arrived_us = 0;
  api_.get_realtime_usec(handle_->journal, &arrived_us);
  entry = {};
  entry.written_us = static_cast<std::int64_t>(arrived_us);
  const auto written = field("_SOURCE_REALTIME_TIMESTAMP", number_);
  std::int64_t written_us = 0;
  if (std::from_chars(written.data(), written.data() + written.size(), written_us).ec ==
          std::errc() &&
      !written.empty()) {
    entry.written_us = written_us;
  }
  entry.priority = number_of(field("PRIORITY", number_), 0, 7, 6);
  entry.facility = number_of(field("SYSLOG_FACILITY", number_), 0, 23, -1);
  entry.program = field("SYSLOG_IDENTIFIER", program_);
  if (entry.program.empty()) {
    entry.program = field("_COMM", program_);
  }
  entry.pid = field("_PID", pid_);
  if (entry.pid.empty()) {
    entry.pid = field("SYSLOG_PID", pid_);
  }
  entry.unit = field("_SYSTEMD_UNIT", unit_);
  entry.host = field("_HOSTNAME", host_);
  entry.message = field("MESSAGE", message_);
  return true;
}

std::string SystemJournal::cursor() const {
  char* text = nullptr;
  if (api_.get_cursor(handle_->journal, &text) < 0) {
    return {};
  }
  std::string cursor(text);
  ::free(text);
  return cursor;
}

int SystemJournal::fd() const { return api_.get_fd(handle_->journal); }

bool SystemJournal::process() { return api_.process(handle_->journal) == SD_JOURNAL_INVALIDATE; }

std::optional<std::uint64_t> journal_steps(std::string_view from, std::string_view to) {
  const auto number = [](std::string_view cursor) -> std::optional<std::uint64_t> {
    const auto text = part_of(cursor, "i=");
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc() && !text.empty() ? std::optional(value) : std::nullopt;
  };
  const auto before = number(from);
  const auto after = number(to);
  if (part_of(from, "s=").empty() || part_of(from, "s=") != part_of(to, "s=") || !before ||
      !after || *after <= *before) {
    return std::nullopt;
  }
  return *after - *before;
}

}  // namespace steward::runtime
