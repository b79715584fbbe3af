#pragma once

#include "handlers/metrics/collector.hpp"
#include "handlers/metrics/proc_file.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace steward::handlers::metrics {

// A number in a file of its own, and the series that it is.
struct SysReading {
  ProcFile file;
  std::string metric;
  std::pair<std::string, std::string> first;   // label and value
  std::pair<std::string, std::string> second;  // no label where its name is empty
  Unit unit;
  wire::MetricType type = wire::MetricType::gauge;
};

// Devices that tell of themselves in files of one number below /sys. They are looked for at the
// first round and at each 60th after it. One that cannot be read just now is left out.
class SysReadings final : public Collector {
 public:
  using Find = std::function<std::vector<SysReading>()>;

  SysReadings(std::string_view name, Find find) : name_(name), find_(std::move(find)) {}

  std::string_view name() const override { return name_; }

  // Errors: not_found where there are no such devices.
  [[nodiscard]] Result<void> collect(Samples& out, std::string& buffer) override;

 private:
  const std::string_view name_;
  const Find find_;
  std::vector<SysReading> readings_;
  int rounds_ = 0;
};

// The names in a folder that begin so and end in a number, in the order of those numbers.
std::vector<std::string> numbered(const std::string& folder, std::string_view prefix);

// A file's first line; empty where it cannot be read.
std::string first_line(const std::string& path);

bool is_there(const std::string& path);

}  // namespace steward::handlers::metrics
