#include "handlers/syslogforwarding/sources/journal_source.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

using std::chrono::milliseconds;

constexpr int kEntriesATurn = 500;

// Before the cursor of an entry that is the next one; else it is that of the last one. So the
// number of the very first is sure before it goes out.
constexpr char kNextOne = '@';

std::string next_one(const std::string& cursor) { return kNextOne + cursor; }

}  // namespace

JournalSource::JournalSource(runtime::Context& context,
                             Forwarder& forwarder,
                             const Settings& settings,
                             const std::vector<std::shared_ptr<Feed>>& left)
    : context_(context),
      forwarder_(forwarder),
      settings_(settings),
      look_(context.loop, [this] { look(); }),
      read_(context.loop, [this] { read(); }) {
  std::vector<std::shared_ptr<Feed>> own;
  for (const auto& feed : left) {
    if (feed->path.empty() && feed->source == name()) {
      own.push_back(feed);
      forwarder_.resume(feed);
    }
  }
  if (own.size() == 1) {
    feed_ = own.front();
  } else if (!own.empty()) {
    // Of one that was given up the broker had not all: from there on, under new numbers.
    begin_anew(own.front()->mark.cursor);
    std::for_each(own.begin(), own.end(), [this](const auto& feed) { forwarder_.end(feed); });
  }
}

JournalSource::~JournalSource() { watcher_.reset(); }

std::string JournalSource::name() const {
  return settings_.journal_dir.empty() ? "journal" : "journal:" + settings_.journal_dir;
}

Result<void> JournalSource::start() {
  STEWARD_TRY(journal_, runtime::SystemJournal::open(settings_.journal_dir));
  if (auto there = go_to_place(); !there) {
    return there;
  }
  watcher_.emplace(context_.loop, journal_->fd(), [this] { look(); });
  if (auto watching = watcher_->start(runtime::Ready::readable); !watching) {
    watcher_.reset();  // looking every second has to do
  }
  look_.start_every(kLookPause);
  read();
  return {};
}

// Behind what the broker has; at the very first start where the settings say.
Result<void> JournalSource::go_to_place() {
  if (feed_ && !feed_->mark.cursor.empty()) {
    const auto& cursor = feed_->mark.cursor;
    STEWARD_TRY(const bool found,
                cursor.front() == kNextOne ? journal_->seek_to(cursor.substr(1))
                                           : journal_->seek_behind(cursor));
    next_ = found ? Next::sure : Next::not_it;
    return {};
  }
  const bool first = !feed_;
  if (first) {
    feed_ = forwarder_.open(name(), Feed::Kind::rereadable);
  }
  if (!first || !settings_.from_end) {
    return journal_->seek_begin();
  }
  if (auto sought = journal_->seek_end(1); !sought) {
    return sought;
  }
  // From behind the last one that is there, and so also after a restart before anything comes.
  runtime::JournalEntry entry;
  STEWARD_TRY(const bool any, journal_->next(entry));
  if (any) {
    keep_place(journal_->cursor());
  }
  return {};
}

void JournalSource::look() {
  // Files that went may have held what was not read yet.
  if (journal_->process() && next_ == Next::sure) {
    next_ = Next::perhaps;
  }
  read();
}

void JournalSource::go_on() {
  if (journal_) {
    read();
  }
}

void JournalSource::read() {
  const auto received_us = context_.clock.now().time_since_epoch().count();
  runtime::JournalEntry entry;
  for (int count = 0; count < kEntriesATurn; ++count) {
    if (!forwarder_.room()) {
      return;  // go_on() comes
    }
    const auto next = journal_->next(entry);
    if (!next) {
      context_.log.warning(next.error().text());
      return;
    }
    if (!*next) {
      return;
    }
    take(entry, received_us);
  }
  read_.start(milliseconds(0));
}

void JournalSource::begin_anew(const std::string& cursor) {
  feed_ = forwarder_.open(name(), Feed::Kind::rereadable);
  keep_place(cursor);
}

void JournalSource::keep_place(const std::string& cursor) {
  feed_->mark.cursor = cursor;
  feed_->saved = feed_->mark;
  feed_->dirty = true;
  forwarder_.save();
}

// Where the one read last is gone, what stood between it and this one is, too.
void JournalSource::check_numbers(const std::string& cursor) {
  const auto was = std::exchange(next_, Next::sure);
  if (was == Next::sure || feed_->mark.cursor.empty()) {
    return;
  }
  // Numbers of another sequence tell nothing: files of many machines come and go, too.
  const auto steps = runtime::journal_steps(feed_->mark.cursor, cursor);
  if (steps == 1 || (!steps && was == Next::perhaps)) {
    return;
  }
  // Under new numbers: those of entries that are read again must not be of others.
  const auto old = feed_;
  begin_anew(next_one(cursor));
  forwarder_.end(old);
  if (!steps) {
    forwarder_.gap(feed_, "the journal has lost the place up to which it was read");
  } else {
    forwarder_.gap(feed_, "the journal has let go of entries that were not read", *steps - 1);
  }
}

void JournalSource::take(const runtime::JournalEntry& entry, std::int64_t received_us) {
  auto cursor = journal_->cursor();
  check_numbers(cursor);
  if (feed_->mark.cursor.empty()) {
    keep_place(next_one(cursor));
  }
  wire::LogRecord record;
  record.received_us = received_us;
  record.time_us = entry.written_us;
  record.severity = entry.priority;
  record.facility = entry.facility;
  record.program = entry.program;
  record.pid = entry.pid;
  record.unit = entry.unit;
  record.host = entry.host;
  record.line = entry.message.substr(0, settings_.line_bytes);
  record.length = record.line.size();
  record.whole = entry.message.size() > settings_.line_bytes ? entry.message.size() : 0;
  forwarder_.take(feed_, record);
  feed_->mark.seq = feed_->next_seq;
  feed_->mark.cursor = std::move(cursor);
}

}  // namespace steward::handlers::syslogforwarding
