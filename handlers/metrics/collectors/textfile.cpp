// Files that others write in the text format of Prometheus, as node_exporter's collector of that
// name has them. Only what has changed is read, and with it all the rest: they stand in one list.

#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/told.hpp"
#include "handlers/runtime/fd.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

namespace steward::handlers::metrics {
namespace {

constexpr std::size_t kMostTextFiles = 64;
constexpr std::size_t kMostTextBytes = std::size_t{512} * 1024;  // of all of them
constexpr std::string_view kTextEnding = ".prom";

// How a file was when it was looked at: another one, or with other contents, differs.
struct Look {
  std::string path;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  int error = 0;

  bool operator==(const Look&) const = default;
};

std::int64_t in_nanoseconds(const timespec& time) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return std::int64_t{time.tv_sec} * kSecond + time.tv_nsec;
}

Look look_at(std::string path) {
  struct stat status {};

  Look look{.path = std::move(path)};
  if (::stat(look.path.c_str(), &status) != 0) {
    look.error = errno;
    return look;
  }
  look.inode = status.st_ino;
  look.size = status.st_size;
  look.modified_ns = in_nanoseconds(status.st_mtim);
  look.changed_ns = in_nanoseconds(status.st_ctim);
  return look;
}

// A pipe or a device may stand there, too: nothing is waited for.
Result<std::string> read_text(const Look& look, std::size_t most) {
  if (look.error != 0) {
    return tl::unexpected(system_error(look.error, "look at it"));
  }
  const runtime::Fd file(::open(look.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

  struct stat status {};

  if (!file || ::fstat(file.get(), &status) != 0) {
    return tl::unexpected(system_error(errno, "open it"));
  }
  if (!S_ISREG(status.st_mode)) {
    return failure(ErrorCode::bad_config, "is not a file");
  }
  std::string text(most + 1, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const auto got = ::read(file.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return tl::unexpected(system_error(errno, "read it"));
    }
    if (got == 0) {
      text.resize(length);
      return text;
    }
    length += static_cast<std::size_t>(got);
  }
  return failure(ErrorCode::too_large, "all files together have more than 512 KiB");
}

class TextFiles final : public Collector {
 public:
  explicit TextFiles(std::string folder) : folder_(std::move(folder)) {}

  std::string_view name() const override { return "textfile"; }

  Result<void> collect(Samples& out, std::string& buffer) override;

  bool tells_of_others() const override { return true; }

  std::string trouble() const override { return trouble_; }

 private:
  Result<std::vector<Look>> look() const;
  void read_all();
  void amiss(const std::string& path, const std::string& why);

  const std::string folder_;
  std::vector<Look> looks_;
  std::vector<std::size_t> good_;  // of looks_
  ToldSeries series_;
  std::string trouble_;
};

Result<std::vector<Look>> TextFiles::look() const {
  if (folder_.empty()) {
    return failure(ErrorCode::not_found, "no folder of text files");
  }
  DIR* const folder = ::opendir(folder_.c_str());
  if (folder == nullptr) {
    return tl::unexpected(system_error(errno, "open " + folder_));
  }
  std::vector<std::string> paths;
  for (const dirent* entry = ::readdir(folder); entry != nullptr; entry = ::readdir(folder)) {
    const std::string_view file(&entry->d_name[0]);
    if (file.ends_with(kTextEnding)) {
      paths.push_back(folder_ + '/' + std::string(file));
    }
  }
  ::closedir(folder);
  std::sort(paths.begin(), paths.end());
  std::vector<Look> looks;
  looks.reserve(std::min(paths.size(), kMostTextFiles + 1));
  for (auto& path : paths) {
    if (looks.size() > kMostTextFiles) {
      break;
    }
    looks.push_back(look_at(std::move(path)));
  }
  return looks;
}

// The first is what is said: the others come when it is mended.
void TextFiles::amiss(const std::string& path, const std::string& why) {
  if (trouble_.empty()) {
    trouble_ = path + ": " + why;
  }
}

void TextFiles::read_all() {
  std::vector<Told> all;
  std::set<std::string> seen;
  std::size_t room = kMostTextBytes;
  trouble_.clear();
  good_.clear();
  for (std::size_t i = 0; i < looks_.size(); ++i) {
    const auto& path = looks_[i].path;
    if (i == kMostTextFiles) {
      amiss(path, "more than 64 files");
      break;
    }
    const auto text = read_text(looks_[i], room);
    if (!text) {
      amiss(path, text.error().text());
      continue;
    }
    room -= text->size();
    auto told = parse_exposition(*text);
    if (!told) {
      amiss(path, told.error().text());
      continue;
    }
    const bool twice = std::any_of(told->begin(), told->end(), [&seen](const Told& one) {
      return seen.find(one.key) != seen.end();
    });
    if (twice || all.size() + told->size() > kMostTold) {
      amiss(path, twice ? "a series of another file stands there, too" : "too many series");
      continue;
    }
    for (auto& one : *told) {
      seen.insert(one.key);
      all.push_back(std::move(one));
    }
    good_.push_back(i);
  }
  series_.take(std::move(all));
}

Result<void> TextFiles::collect(Samples& out, std::string& /*buffer*/) {
  STEWARD_TRY(auto looks, look());
  if (looks != looks_) {
    looks_ = std::move(looks);
    read_all();
  }
  series_.tell(out);
  for (const auto at : good_) {
    out.gauge(
        "node_textfile_mtime_seconds", {{"file", looks_[at].path}}, looks_[at].modified_ns, kNano);
  }
  out.gauge("node_textfile_scrape_error", {}, trouble_.empty() ? 0 : 1);
  return {};
}

}  // namespace

Made make_textfile(const Roots& roots) { return std::make_unique<TextFiles>(roots.textfiles); }

}  // namespace steward::handlers::metrics
