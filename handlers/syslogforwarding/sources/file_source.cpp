#include "handlers/syslogforwarding/sources/file_source.hpp"

#include "handlers/syslogforwarding/forwarder.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::size_t kFileBufferBytes = std::size_t{256} * 1024;
constexpr int kFileRoundsATurn = 4;

struct Globbed {
  glob_t found{};

  ~Globbed() { ::globfree(&found); }
};

std::vector<std::string> matches(const Settings& settings) {
  std::vector<std::string> paths;
  for (const auto& glob : settings.files) {
    const auto found = matching(glob);
    paths.insert(paths.end(), found.begin(), found.end());
  }
  const auto excluded = [&settings](const std::string& path) {
    const auto name = fs::path(path).filename().string();
    return std::any_of(
        settings.exclude.begin(), settings.exclude.end(), [&](const std::string& glob) {
          const auto& text = glob.find('/') == std::string::npos ? name : path;
          return ::fnmatch(glob.c_str(), text.c_str(), 0) == 0;
        });
  };
  paths.erase(std::remove_if(paths.begin(), paths.end(), excluded), paths.end());
  for (const auto& path : matching(settings.daemons + "/1-*")) {  // both its streams are there
    paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

FileIdentity identity_of(const struct stat& found) {
  return {static_cast<std::uint64_t>(found.st_dev), static_cast<std::uint64_t>(found.st_ino), 0, 0};
}

}  // namespace

std::vector<std::string> matching(const std::string& glob) {
  Globbed globbed;
  ::glob(glob.c_str(), GLOB_NOSORT, nullptr, &globbed.found);
  return {globbed.found.gl_pathv, globbed.found.gl_pathv + globbed.found.gl_pathc};
}

FileSource::FileSource(runtime::Context& context,
                       Forwarder& forwarder,
                       const Settings& settings,
                       LineParser& parser,
                       std::vector<std::shared_ptr<Feed>> left)
    : context_(context),
      forwarder_(forwarder),
      settings_(settings),
      buffer_(std::max(kFileBufferBytes, settings.line_bytes + 1), '\0'),
      reading_{forwarder, settings, parser, buffer_},
      left_(std::move(left)),
      look_(context.loop, [this] { look(); }),
      read_(context.loop, [this] { read_all(); }) {}

FileSource::~FileSource() { watcher_.reset(); }

std::string FileSource::name() const {
  std::string text = settings_.files.empty() ? "daemons" : "file:";
  for (const auto& glob : settings_.files) {
    text += (text.back() == ':' ? "" : ",") + glob;
  }
  return text;
}

std::int64_t FileSource::received_us() const {
  return context_.clock.now().time_since_epoch().count();
}

Result<void> FileSource::start() {
  events_ = runtime::Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (events_) {
    watcher_.emplace(context_.loop, events_.get(), [this] {
      std::array<char, 4'096> events{};
      while (::read(events_.get(), events.data(), events.size()) > 0) {
      }
      look();
    });
    if (auto watching = watcher_->start(runtime::Ready::readable); !watching) {
      watcher_.reset();
    }
  }
  for (const auto& glob : settings_.files) {
    if (const auto folder = fs::path(glob).parent_path();
        folder.string().find_first_of("*?[") == std::string::npos) {
      watch_folder(folder);
    }
  }
  look();
  find_renamed();
  first_look_ = false;
  read_all();
  look_.start_every(kLookPause);
  return {};
}

void FileSource::go_on() { read_all(); }

void FileSource::look() {
  find_files();
  if (!first_look_) {
    read_all();
  }
}

void FileSource::find_files() {
  for (auto& [place, followed] : followed_) {
    followed.named = false;
  }
  for (const auto& path : matches(settings_)) {
    follow(path);
  }
  for (auto& [place, followed] : followed_) {
    if (followed.named) {
      followed.nameless_since.reset();
    } else if (!followed.nameless_since) {
      followed.nameless_since = context_.clock.steady();
    }
  }
}

// A file that has lost its name while nobody looked: it is near, under another one.
void FileSource::find_renamed() {
  for (const auto& feed : std::exchange(left_, {})) {
    runtime::Fd renamed;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(fs::path(feed->path).parent_path(), error)) {
      struct stat found {};

      if (::stat(entry.path().c_str(), &found) != 0 || !S_ISREG(found.st_mode) ||
          !identity_of(found).same_place(feed->identity)) {
        continue;
      }
      runtime::Fd file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
      if (file &&
          is_same_file(
              file.get(), static_cast<std::uint64_t>(found.st_size), feed->identity, feed->mark)) {
        renamed = std::move(file);
        break;
      }
    }
    forwarder_.resume(feed);
    if (renamed) {
      const Place place{feed->identity.device, feed->identity.inode};
      followed_[place] = {
          std::make_unique<FollowedFile>(reading_, std::move(renamed), feed->path, feed), false};
    } else {
      forwarder_.gap(feed,
                     feed->path + " is gone or was written anew: what it held from byte " +
                         std::to_string(feed->mark.offset) + " on was not read");
      forwarder_.end(feed);
    }
  }
}

void FileSource::follow(const std::string& path) {
  struct stat named {};

  if (::stat(path.c_str(), &named) != 0 || !S_ISREG(named.st_mode)) {
    return;
  }
  const auto at = followed_.find({named.st_dev, named.st_ino});
  if (at != followed_.end()) {
    at->second.named = true;
    return;
  }
  runtime::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

  struct stat found {};

  if (!file || ::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
    return;
  }
  follow(std::move(file), identity_of(found), path);
  watch(path);
}

void FileSource::follow(runtime::Fd file, const FileIdentity& identity, const std::string& path) {
  struct stat found {};

  ::fstat(file.get(), &found);
  const auto size = static_cast<std::uint64_t>(found.st_size);
  const auto left = std::find_if(left_.begin(), left_.end(), [&](const auto& feed) {
    return feed->identity.same_place(identity) &&
           is_same_file(file.get(), size, feed->identity, feed->mark);
  });
  std::shared_ptr<Feed> feed;
  if (left != left_.end()) {
    feed = *left;
    left_.erase(left);
    forwarder_.resume(feed);
  } else {
    feed = forwarder_.open("file:" + path, Feed::Kind::rereadable);
    feed->identity = identity;
    if (first_look_ && settings_.from_end) {
      feed->mark.offset = size;
    }
    feed->saved = feed->mark;
  }
  feed->path = path;
  feed->dirty = true;
  followed_[{identity.device, identity.inode}] = {
      std::make_unique<FollowedFile>(reading_, std::move(file), path, std::move(feed)), true};
  forwarder_.save();
}

// Of the file for its growth, of its folder for what comes and goes. Where there are no more
// watches to have, looking every second has to do.
void FileSource::watch(const std::string& path) {
  if (!events_) {
    return;
  }
  ::inotify_add_watch(events_.get(), path.c_str(), IN_MODIFY | IN_MOVE_SELF);
  watch_folder(fs::path(path).parent_path());
}

void FileSource::watch_folder(const fs::path& folder) {
  if (events_) {
    ::inotify_add_watch(events_.get(), folder.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
  }
}

// In turns, so that others of this loop have theirs.
void FileSource::read_all() {
  const auto now = context_.clock.steady();
  bool more = true;
  for (int round = 0; more && round < kFileRoundsATurn; ++round) {
    more = false;
    for (auto at = followed_.begin(); at != followed_.end();) {
      if (!forwarder_.room()) {
        return;  // go_on() comes
      }
      more = read_one(at->second, now) || more;
      at = at->second.file ? std::next(at) : followed_.erase(at);
    }
  }
  if (more) {
    read_.start(milliseconds(0));
  }
}

// Whether there is more to read. A file without a name is let go of at its end, once it has been
// silent for its time: its writer may go on for a while, however silent it was before.
bool FileSource::read_one(Followed& followed, FollowedFile::Steady now) {
  auto& file = *followed.file;
  const bool last = followed.nameless_since && file.grown() != FollowedFile::Steady() &&
                    now - std::max(file.grown(), *followed.nameless_since) >= settings_.rotate_time;
  switch (file.read(received_us(), now, last ? FollowedFile::End::last : FollowedFile::End::open)) {
    case FollowedFile::Found::more:
      return true;
    case FollowedFile::Found::replaced:
      return replace(followed);
    case FollowedFile::Found::nothing:
      break;
  }
  if (last) {
    forwarder_.end(file.feed());
    followed.file.reset();
  }
  return false;
}

bool FileSource::replace(Followed& followed) {
  const auto old = followed.file->feed();
  const auto path = followed.file->path();
  const auto identity = old->identity;
  const auto read_to = old->mark.offset;
  forwarder_.end(old);
  followed.file.reset();
  runtime::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

  struct stat found {};

  if (!file || ::fstat(file.get(), &found) != 0 || !identity_of(found).same_place(identity)) {
    return false;  // the next look finds what is there
  }
  auto feed = forwarder_.open("file:" + path, Feed::Kind::rereadable);
  feed->identity = identity_of(found);
  feed->path = path;
  feed->saved = feed->mark;
  feed->dirty = true;
  forwarder_.gap(feed,
                 path + " was cut off or written anew: what was added to it behind byte " +
                     std::to_string(read_to) + " before that is not known");
  followed.file = std::make_unique<FollowedFile>(reading_, std::move(file), path, std::move(feed));
  forwarder_.save();
  return true;
}

std::uint64_t FileSource::behind() const {
  std::uint64_t bytes = 0;
  for (const auto& [place, followed] : followed_) {
    bytes += followed.file->behind();
  }
  return bytes;
}

}  // namespace steward::handlers::syslogforwarding
