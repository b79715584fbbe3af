#include "handlers/metrics/measurement.hpp"

#include "tests/handlers/metrics/room.hpp"

#include <doctest/doctest.h>

#include <sys/mount.h>

#include <map>
#include <string>

namespace steward::handlers::metrics::measurement_test {
namespace {

std::map<std::string, double> values_of(const Measurement& measurement) {
  const auto schema = measurement.schema();
  std::map<std::string, double> values;
  for (std::size_t i = 0; i < schema.series.size(); ++i) {
    if (measurement.numbers()[i] != wire::kAbsent) {
      values[schema.series[i].key] = schema.series[i].value(measurement.numbers()[i]);
    }
  }
  return values;
}

const Measurement::Standing& standing(const std::vector<Measurement::Standing>& all,
                                      std::string_view name) {
  for (const auto& one : all) {
    if (one.name == name) {
      return one;
    }
  }
  FAIL("no such collector");
  return all.front();
}

// A machine with a file of every kind that this one may lack.
void furnish(const Folder& folder) {
  folder.write("sys/class/hwmon/hwmon2/name", "coretemp\n");
  folder.write("sys/class/hwmon/hwmon2/temp1_input", "45500\n");
  folder.write("sys/class/hwmon/hwmon2/temp1_crit", "100000\n");
  folder.write("sys/class/hwmon/hwmon2/fan1_input", "1200\n");
  folder.write("sys/class/hwmon/hwmon2/in0_input", "1100\n");
  folder.write("sys/devices/pci0000:00/0000:00:18.3/vendor", "x\n");
  folder.write("sys/class/hwmon/hwmon3/name", "k10temp\n");
  folder.write("sys/class/hwmon/hwmon3/temp2_input", "bad\n");
  folder.write("sys/class/hwmon/hwmon3/power1_average", "15000000\n");
  std::filesystem::create_directory_symlink("../../../devices/pci0000:00/0000:00:18.3",
                                            folder.path / "sys/class/hwmon/hwmon3/device");
  folder.write("sys/class/thermal/thermal_zone0/type", "acpitz\n");
  folder.write("sys/class/thermal/thermal_zone0/temp", "27800\n");
  folder.write("sys/class/thermal/cooling_device1/type", "Processor\n");
  folder.write("sys/class/thermal/cooling_device1/cur_state", "2\n");
  folder.write("sys/class/thermal/cooling_device1/max_state", "10\n");
  folder.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1200000\n");
  folder.write("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3400000\n");
  folder.write("sys/devices/system/edac/mc/mc0/ce_count", "3\n");
  folder.write("sys/devices/system/edac/mc/mc0/ue_count", "0\n");
}

// What a round says of a mount point: -1 nothing, else whether it can only be read.
int read_only_at(Measurement& measurement, const std::string& path) {
  measurement.round();
  const auto values = values_of(measurement);
  const auto found =
      values.find(R"(node_filesystem_readonly{device="steward-test",fstype="tmpfs",mountpoint=")" +
                  path + "\"}");
  return found == values.end() ? -1 : static_cast<int>(found->second);
}

}  // namespace

TEST_CASE("measurement: a file system that comes, turns read-only and goes is seen at once") {
  const Folder folder;
  const auto path = folder.path.string();
  const RealClock clock;
  Measurement measurement({}, {}, {}, clock);
  CHECK(read_only_at(measurement, path) == -1);
  if (::mount("steward-test", path.c_str(), "tmpfs", 0, "size=64k") != 0) {
    MESSAGE("skipped: no right to mount here");
    return;
  }
  CHECK(read_only_at(measurement, path) == 0);
  CHECK(read_only_at(measurement, path) == 0);
  CHECK(::mount("steward-test", path.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=64k") == 0);
  CHECK(read_only_at(measurement, path) == 1);
  CHECK(::umount(path.c_str()) == 0);
  CHECK(read_only_at(measurement, path) == -1);
}

TEST_CASE("measurement: devices of /sys, with the names of their paths") {
  const Folder folder;
  furnish(folder);
  const RealClock clock;
  Measurement measurement({"/proc", folder.path / "sys"}, {}, {}, clock);
  measurement.round();
  const auto values = values_of(measurement);
  CHECK(values.at(R"(node_hwmon_temp_celsius{chip="coretemp",sensor="temp1"})") == 45.5);
  CHECK(values.at(R"(node_hwmon_temp_crit_celsius{chip="coretemp",sensor="temp1"})") == 100);
  CHECK(values.at(R"(node_hwmon_fan_rpm{chip="coretemp",sensor="fan1"})") == 1'200);
  CHECK(values.at(R"(node_hwmon_in_volts{chip="coretemp",sensor="in0"})") == 1.1);
  CHECK(values.at(
            R"(node_hwmon_power_average_watt{chip="pci0000:00_0000:00:18_3",sensor="power1"})") ==
        15);
  CHECK(values.at(R"(node_thermal_zone_temp{type="acpitz",zone="0"})") == 27.8);
  CHECK(values.at(R"(node_cooling_device_cur_state{name="1",type="Processor"})") == 2);
  CHECK(values.at(R"(node_cpu_scaling_frequency_hertz{cpu="0"})") == 1.2e9);
  CHECK(values.at(R"(node_cpu_frequency_max_hertz{cpu="0"})") == 3.4e9);
  CHECK(values.at(R"(node_edac_correctable_errors_total{controller="0"})") == 3);
}

TEST_CASE("measurement: a list of series that stays the same is not made anew") {
  const RealClock clock;
  Measurement measurement({}, {}, {}, clock);
  measurement.round();
  const auto hash = measurement.schema_hash();
  CHECK(hash == measurement.schema().hash());
  CHECK(measurement.numbers().size() == measurement.schema().series.size());
  CHECK(measurement.numbers().size() > 200);
  measurement.round();
  CHECK(measurement.schema_hash() == measurement.schema().hash());
}

TEST_CASE("measurement: a collector that fails costs its own series, for as long as it fails") {
  const Folder folder;
  folder.write("proc/loadavg", "0.50 0.25 0.10 1/2 3\n");
  folder.write("proc/sys/fs/file-nr", "5 0 9\n");
  const RealClock clock;
  Measurement measurement({folder.path / "proc", folder.path / "sys"}, {}, {"netdev"}, clock);
  measurement.round();
  const auto hash = measurement.schema_hash();
  CHECK(values_of(measurement).at("node_load1") == 0.5);
  CHECK(values_of(measurement).at(R"(steward_collector_success{collector="loadavg"})") == 1);
  CHECK(values_of(measurement).at(R"(steward_collector_success{collector="stat"})") == 0);
  folder.write("proc/loadavg", "garbage\n");
  measurement.round();
  CHECK(values_of(measurement).count("node_load1") == 0);
  CHECK(values_of(measurement).at("node_filefd_maximum") == 9);
  CHECK(values_of(measurement).at(R"(steward_collector_success{collector="loadavg"})") == 0);
  CHECK(measurement.schema_hash() == hash);  // a file that comes and goes costs no new schema
  const auto standings = measurement.standings();
  CHECK(standing(standings, "loadavg").error->code == ErrorCode::bad_payload);
  CHECK(standing(standings, "loadavg").failures == 1);
  CHECK(standing(standings, "stat").error->code == ErrorCode::not_found);
  folder.write("proc/loadavg", "0.75 0.25 0.10 1/2 3\n");
  measurement.round();
  CHECK(values_of(measurement).at("node_load1") == 0.75);
}

TEST_CASE("measurement: a mount that does not answer keeps its place in the schema") {
  const Folder folder;
  const auto mount = folder.path / "mounted";
  std::filesystem::create_directory(mount);
  folder.write("proc/self/mounts", "/dev/x " + mount.string() + " ext4 rw 0 0\n");
  const RealClock clock;
  Measurement measurement({folder.path / "proc", folder.path / "sys"}, {}, {"netdev"}, clock);
  const std::string labels =
      R"({device="/dev/x",fstype="ext4",mountpoint=")" + mount.string() + R"("})";
  const auto size = "node_filesystem_size_bytes" + labels;
  // On a machine that is busy enough an answer may come a round late.
  for (int i = 0; i < 100 && values_of(measurement).count(size) == 0; ++i) {
    measurement.round();
  }
  const auto hash = measurement.schema_hash();
  CHECK(values_of(measurement).at(size) > 0);
  CHECK(values_of(measurement).at("node_filesystem_device_error" + labels) == 0);
  std::filesystem::remove(mount);
  measurement.round();
  CHECK(measurement.schema_hash() == hash);
  CHECK(values_of(measurement).count(size) == 0);
  CHECK(values_of(measurement).at("node_filesystem_device_error" + labels) == 1);
}

TEST_CASE("measurement: a disk that comes makes another schema") {
  const Folder folder;
  const std::string one = " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n";
  folder.write("proc/diskstats", one);
  const RealClock clock;
  Measurement measurement({folder.path / "proc", folder.path / "sys"}, {}, {"netdev"}, clock);
  measurement.round();
  const auto hash = measurement.schema_hash();
  const auto count = measurement.numbers().size();
  folder.write("proc/diskstats", one + " 8 16 sdb 1 2 3 4 5 6 7 8 9 10 11\n");
  measurement.round();
  CHECK(measurement.schema_hash() != hash);
  CHECK(measurement.schema_hash() == measurement.schema().hash());
  CHECK(measurement.numbers().size() == count + 11);
  folder.write("proc/diskstats", one);
  measurement.round();
  CHECK(measurement.schema_hash() == hash);
}

TEST_CASE("measurement: disabled collectors do not run") {
  const RealClock clock;
  auto disabled = Measurement::names();
  std::erase(disabled, "loadavg");
  Measurement measurement({}, {}, disabled, clock);
  measurement.round();
  CHECK(measurement.numbers().size() == 3 + 1);
}

}  // namespace steward::handlers::metrics::measurement_test
