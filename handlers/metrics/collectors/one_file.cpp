#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/proc_file.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

namespace steward::handlers::metrics {
namespace {

class OneFile final : public Collector {
 public:
  OneFile(std::string_view name,
          std::string path,
          std::function<Result<void>(std::string_view, Samples&)> parse)
      : name_(name), file_(std::move(path)), parse_(std::move(parse)) {}

  std::string_view name() const override { return name_; }

  Result<void> collect(Samples& out, std::string& buffer) override {
    STEWARD_TRY(const auto text, file_.read(buffer));
    return parse_(text, out);
  }

 private:
  const std::string_view name_;
  ProcFile file_;
  const std::function<Result<void>(std::string_view, Samples&)> parse_;
};

}  // namespace

Made one_file(std::string_view name,
              std::string path,
              std::function<Result<void>(std::string_view, Samples&)> parse) {
  return std::make_unique<OneFile>(name, std::move(path), std::move(parse));
}

bool matches_any(const std::vector<std::string>& globs, const std::string& text) {
  return std::any_of(globs.begin(), globs.end(), [&text](const std::string& glob) {
    return ::fnmatch(glob.c_str(), text.c_str(), 0) == 0;
  });
}

std::vector<Made> make_collectors(const Roots& roots, const Filters& filters) {
  std::vector<Made> all;
  all.push_back(make_loadavg(roots));
  all.push_back(make_stat(roots));
  all.push_back(make_meminfo(roots));
  all.push_back(make_vmstat(roots));
  all.push_back(make_diskstats(roots, filters));
  all.push_back(make_netdev(filters));
  all.push_back(make_netstat(roots));
  all.push_back(make_sockstat(roots));
  all.push_back(make_softnet(roots));
  all.push_back(make_udp_queues(roots));
  all.push_back(make_arp(roots));
  all.push_back(make_conntrack(roots));
  all.push_back(make_pressure(roots));
  all.push_back(make_filefd(roots));
  all.push_back(make_entropy(roots));
  all.push_back(make_uname());
  all.push_back(make_time());
  all.push_back(make_timex());
  all.push_back(make_filesystem(roots, filters));
  all.push_back(make_cpufreq(roots));
  all.push_back(make_thermal(roots));
  all.push_back(make_hwmon(roots));
  all.push_back(make_edac(roots));
  all.push_back(make_daemons(roots));
  all.push_back(make_checks(roots));
  all.push_back(make_textfile(roots));
  return all;
}

}  // namespace steward::handlers::metrics
