#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/syslogforwarding/sources/followed_file.hpp"
#include "handlers/syslogforwarding/sources/source.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace steward::handlers::syslogforwarding {

// Follows the files that fit the globs, through every kind of rotation: what lost its name is read
// to its end, what was written anew is read from its beginning, and after a restart each goes on
// where the broker's acknowledgements end.
class FileSource final : public LogSource {
 public:
  // `left`: what an earlier run has left in the store.
  FileSource(runtime::Context& context,
             Forwarder& forwarder,
             const Settings& settings,
             LineParser& parser,
             std::vector<std::shared_ptr<Feed>> left);
  ~FileSource() override;

  Result<void> start() override;
  void go_on() override;
  std::string name() const override;

  std::size_t files() const { return followed_.size(); }

  // Bytes that are not read yet.
  std::uint64_t behind() const;

 private:
  using Place = std::pair<std::uint64_t, std::uint64_t>;  // device and inode

  struct Followed {
    std::unique_ptr<FollowedFile> file;
    bool named = true;  // a name of it fits the globs
    std::optional<FollowedFile::Steady> nameless_since = std::nullopt;
  };

  void look();
  void find_files();
  void find_renamed();
  void follow(const std::string& path);
  void follow(runtime::Fd file, const FileIdentity& identity, const std::string& path);
  void watch(const std::string& path);
  void watch_folder(const std::filesystem::path& folder);
  void read_all();
  bool read_one(Followed& followed, FollowedFile::Steady now);
  bool replace(Followed& followed);
  std::int64_t received_us() const;

  runtime::Context& context_;
  Forwarder& forwarder_;
  const Settings& settings_;
  std::string buffer_;
  const FileReading reading_;
  std::vector<std::shared_ptr<Feed>> left_;
  bool first_look_ = true;
  std::map<Place, Followed> followed_;
  runtime::Fd events_;  // of inotify
  std::optional<runtime::FdWatcher> watcher_;
  runtime::Timer look_;
  runtime::Timer read_;
};

// The paths that fit a glob.
std::vector<std::string> matching(const std::string& glob);

}  // namespace steward::handlers::syslogforwarding
