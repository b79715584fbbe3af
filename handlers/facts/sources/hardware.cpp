#include "handlers/facts/sources/source.hpp"

#include <dirent.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

namespace steward::handlers::facts {
namespace {

constexpr std::int64_t kSectorBytes = 512;
constexpr std::int64_t kMegabyte = 1024 * 1024;
constexpr std::size_t kMostDisks = 128;

std::int64_t number_of(std::string_view text) {
  text = trimmed(text);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Names in a directory, sorted.
std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
  while (const auto* entry = folder ? ::readdir(folder.get()) : nullptr) {
    if (entry->d_name[0] != '.') {
      names.emplace_back(entry->d_name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

void add_disks(const Root& root, wire::Facts& facts) {
  const auto folder = root + "/sys/block/";
  std::size_t disks = 0;
  for (const auto& name : names_in(folder)) {
    constexpr std::array<std::string_view, 6> kNone{"loop", "ram", "zram", "sr", "fd", "nbd"};
    const bool virtual_one = std::any_of(
        kNone.begin(), kNone.end(), [&name](auto start) { return name.starts_with(start); });
    const auto sectors = number_of(read_line(folder + name + "/size"));
    if (virtual_one || sectors == 0 || ++disks > kMostDisks) {
      continue;
    }
    const auto path = "disk." + name;
    put(facts, path + ".size_mb", sectors * kSectorBytes / kMegabyte);
    put(facts, path + ".model", read_line(folder + name + "/device/model"));
    put_flag(facts, path + ".rotates", read_line(folder + name + "/queue/rotational") == "1");
  }
}

}  // namespace

std::int64_t parse_cpu_list(std::string_view text) {
  std::int64_t count = 0;
  text = trimmed(text);
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto part = text.substr(0, comma);
    const auto dash = part.find('-');
    const auto low = number_of(part.substr(0, dash));
    const auto high = dash == std::string_view::npos ? low : number_of(part.substr(dash + 1));
    constexpr std::int64_t kMost = 65'536;
    count += low >= 0 && high >= low && high < kMost ? high - low + 1 : 0;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return count;
}

// x86 says "model name", others "Model" (of the board), "Hardware" or "cpu model".
void parse_cpuinfo(std::string_view text, wire::Facts& facts) {
  each_line(text, [&facts](std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      return;
    }
    const auto name = trimmed(line.substr(0, colon));
    const auto value = trimmed(line.substr(colon + 1));
    const bool known = facts.find("cpu.model") != facts.end();
    if (name == "model name" || name == "cpu model" || name == "Processor" ||
        (name == "Hardware" && !known)) {
      put(facts, "cpu.model", value);
    }
  });
}

void parse_meminfo(std::string_view text, wire::Facts& facts) {
  each_line(text, [&facts](std::string_view line) {
    for (const auto& [name, path] : {std::pair("MemTotal:", "mem_mb"), {"SwapTotal:", "swap_mb"}}) {
      if (line.starts_with(name)) {
        put(facts, path, number_of(line.substr(std::string_view(name).size())) / 1024);
      }
    }
  });
}

void add_hardware(const Root& root, wire::Facts& facts) {
  if (const auto cpus = parse_cpu_list(read_line(root + "/sys/devices/system/cpu/online"));
      cpus > 0) {
    put(facts, "cpus", cpus);
  }
  parse_cpuinfo(read_file(root + "/proc/cpuinfo", 16'384), facts);
  parse_meminfo(read_file(root + "/proc/meminfo"), facts);
  const auto dmi = root + "/sys/class/dmi/id/";
  put(facts, "hardware.vendor", read_line(dmi + "sys_vendor"));
  put(facts, "hardware.model", read_line(dmi + "product_name"));
  put(facts, "hardware.serial", read_line(dmi + "product_serial"));
  put(facts, "hardware.bios", read_line(dmi + "bios_version"));
  // Boards without DMI have a device tree.
  put(facts, "hardware.model", read_line(root + "/proc/device-tree/model"));
  put(facts, "hardware.serial", read_line(root + "/proc/device-tree/serial-number"));
  add_disks(root, facts);
}

}  // namespace steward::handlers::facts
