#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/mount_probe.hpp"
#include "handlers/metrics/proc_file.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::metrics {
namespace {

// Once for each mount that begins to hang; the rest of the round waits so long for it. On a machine
// that has more to do than it can, the asking thread itself may wait for a processor.
constexpr std::chrono::milliseconds kPatience{100};

// A mount and what it has told last, which gives its figures their unit while it tells nothing.
struct Told {
  Mount mount;
  MountFigures figures;
};

// One that does not answer keeps its series, without values: no new schema for that.
void tell_mount(const Told& told, bool answered, Samples& out) {
  const auto& mount = told.mount;
  const auto& figures = told.figures;
  const Labels labels{
      {"device", mount.device}, {"fstype", mount.fstype}, {"mountpoint", mount.mountpoint}};
  const Unit blocks{
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(figures.block_bytes, 1, UINT32_MAX)), 1};
  const auto say = [&](const char* name, std::int64_t number, Unit unit) {
    out.gauge(name, labels, answered ? number : wire::kAbsent, unit);
  };
  out.gauge("node_filesystem_device_error", labels, answered ? 0 : 1);
  say("node_filesystem_size_bytes", figures.blocks, blocks);
  say("node_filesystem_free_bytes", figures.free, blocks);
  say("node_filesystem_avail_bytes", figures.available, blocks);
  say("node_filesystem_files", figures.files, kOne);
  say("node_filesystem_files_free", figures.files_free, kOne);
  say("node_filesystem_readonly", figures.read_only ? 1 : 0, kOne);
}

class FileSystem final : public Collector {
 public:
  FileSystem(const Roots& roots, Filters filters)
      : file_(roots.proc + "/self/mounts", ProcFile::Lines::of_any_length),
        filters_(std::move(filters)) {}

  std::string_view name() const override { return "filesystem"; }

  Result<void> collect(Samples& out, std::string& buffer) override {
    if (text_.empty() || !file_.is_as_read()) {
      STEWARD_TRY(const auto text, file_.read(buffer));
      if (text != text_) {  // globs cost more than all else here, and mounts seldom change
        if (auto used = use(text); !used) {
          return used;
        }
      }
    }
    const auto figures = probe_.ask(points_);
    for (std::size_t i = 0; i < mounts_.size(); ++i) {
      if (figures[i]) {
        mounts_[i].figures = *figures[i];
      }
      tell_mount(mounts_[i], figures[i].has_value(), out);
    }
    return {};
  }

 private:
  Result<void> use(std::string_view text) {
    text_.clear();
    STEWARD_TRY(auto mounts, parse_mounts(text, filters_));
    text_ = text;
    mounts_.clear();
    points_.clear();
    for (auto& mount : mounts) {
      points_.push_back(mount.mountpoint);
      mounts_.push_back({std::move(mount), {}});
    }
    return {};
  }

  ProcFile file_;
  const Filters filters_;
  std::string text_;  // that these were made of
  std::vector<Told> mounts_;
  std::vector<std::string> points_;
  MountProbe probe_{kPatience};
};

}  // namespace

Made make_filesystem(const Roots& roots, const Filters& filters) {
  return std::make_unique<FileSystem>(roots, filters);
}

}  // namespace steward::handlers::metrics
