#include "handlers/syslogforwarding/sources/kernel_source.hpp"

#include "handlers/syslogforwarding/parse/kernel_record.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr int kRecordsATurn = 500;

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

// What to add to the kernel's time since the boot; it does not count while the machine sleeps.
std::int64_t boot_us(std::int64_t now_us) {
  constexpr std::int64_t kMicroseconds = 1'000'000;
  timespec since{};
  ::clock_gettime(CLOCK_MONOTONIC, &since);
  return now_us - (since.tv_sec * kMicroseconds + since.tv_nsec / 1'000);
}

}  // namespace

KernelSource::KernelSource(runtime::Context& context,
                           Forwarder& forwarder,
                           const Settings& settings,
                           const std::vector<std::shared_ptr<Feed>>& left)
    : context_(context), forwarder_(forwarder), settings_(settings), boot_id_(boot_id()) {
  for (const auto& feed : left) {
    if (!feed->path.empty() || feed->source != name()) {
      continue;
    }
    forwarder_.resume(feed);
    if (feed->mark.cursor == boot_id_ && !feed_) {
      feed_ = feed;
    } else {
      forwarder_.end(feed);  // of a boot whose ring is gone
    }
  }
}

KernelSource::~KernelSource() { watcher_.reset(); }

std::string KernelSource::name() const { return "kernel:" + settings_.kernel; }

Result<void> KernelSource::start() {
  watcher_.reset();
  file_ = runtime::Fd(::open(settings_.kernel.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file_) {
    return tl::unexpected(system_error(errno, "open " + settings_.kernel));
  }
  if (!feed_) {
    feed_ = forwarder_.open(name(), Feed::Kind::rereadable);
    feed_->mark.cursor = boot_id_;
    feed_->saved = feed_->mark;
    feed_->dirty = true;
    forwarder_.save();
    if (settings_.from_end) {
      ::lseek(file_.get(), 0, SEEK_END);
    }
  }
  watcher_.emplace(context_.loop, file_.get(), [this] { read(); });
  return watcher_->start(runtime::Ready::readable);
}

void KernelSource::go_on() {
  if (file_ && watcher_) {
    static_cast<void>(watcher_->start(runtime::Ready::readable));
    read();
  }
}

void KernelSource::read() {
  for (int count = 0; count < kRecordsATurn; ++count) {
    if (!forwarder_.room()) {
      watcher_->stop();  // go_on() comes
      return;
    }
    if (!read_some()) {
      return;
    }
  }
}

bool KernelSource::read_some() {
  const auto got = ::read(file_.get(), buffer_.data(), buffer_.size());
  if (got > 0) {
    take({buffer_.data(), static_cast<std::size_t>(got)});
    return true;
  }
  if (got < 0 && (errno == EPIPE || errno == EINTR)) {
    return true;  // what came next was overwritten: the numbers tell how many
  }
  if (got == 0 || errno != EAGAIN) {
    watcher_->stop();
  }
  return false;
}

void KernelSource::take(std::string_view bytes) {
  const auto received_us = context_.clock.now().time_since_epoch().count();
  auto& mark = feed_->mark;
  while (!bytes.empty()) {
    const auto found = take_kernel_record(bytes);
    if (!found || found->number < mark.offset) {
      continue;  // the broker has it
    }
    const bool first = mark.offset == 0;
    if (const auto lost = found->number - mark.offset; lost != 0 && !first) {
      forwarder_.gap(feed_, "the kernel's ring has let go of messages that were not read", lost);
    }
    feed_->next_seq = found->number + 1;  // the same whenever it is read
    wire::LogRecord record;
    record.received_us = received_us;
    record.time_us = boot_us(received_us) + found->since_us;
    record.severity = found->severity;
    record.facility = found->facility;
    record.program = "kernel";
    record.line = found->text.substr(0, settings_.line_bytes);
    record.length = record.line.size();
    record.whole = found->text.size() > settings_.line_bytes ? found->text.size() : 0;
    forwarder_.take(feed_, record);
    mark.seq = feed_->next_seq;
    mark.offset = found->number + 1;
  }
}

}  // namespace steward::handlers::syslogforwarding
