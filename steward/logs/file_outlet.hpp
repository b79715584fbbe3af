#pragma once

#include "handlers/runtime/fd.hpp"
#include "steward/logs/outlet.hpp"
#include "steward/logs/settings.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace steward::station {

// Lines in files, <folder>/<unit>/<domain>.log; a full one becomes <domain>.log.<n>. Each line
// once, also over an end at any moment: how long a file is for certain is kept with how far the
// stream is handed on, and what is behind that is cut off when the file is opened.
class FileOutlet final : public Outlet {
 public:
  // The store outlives it.
  FileOutlet(LogFolder settings, HandOnStore& store)
      : settings_(std::move(settings)), store_(store) {}

  Result<void> step(Steady /*now*/) override { return {}; }

  bool wants() const override { return true; }

  // Errors: no_space, permission, io.
  Result<void> take(LogGroup& group, Steady now) override;

  std::size_t settled(Steady /*now*/) override { return std::exchange(taken_, 0); }

  Result<void> committed() override;

  Watch watch() const override { return {}; }

  std::chrono::milliseconds patience(Steady /*now*/) const override {
    return std::chrono::hours(1);
  }

 private:
  struct OpenFile {
    runtime::Fd fd;
    FilePlace place;
    std::string text;  // of the group at hand
  };

  std::filesystem::path path_of(const FileKey& key) const;
  Result<OpenFile*> opened(const FileKey& key);
  Result<FilePlace> place_of(const FileKey& key, const std::filesystem::path& path);
  Result<void> write(const FileKey& key, OpenFile& file);
  Result<void> begin_next(const FileKey& key, OpenFile& file);

  const LogFolder settings_;
  HandOnStore& store_;
  std::map<FileKey, OpenFile> files_;
  std::size_t taken_ = 0;
};

}  // namespace steward::station
