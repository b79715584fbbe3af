#pragma once

#include "subjects/wire/facts.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace steward::handlers::facts {

// Where the machine tells of itself; "" for the real one, tests have trees of their own.
using Root = std::string;

// What each source finds goes into `facts`; what the machine does not tell stays out. None waits
// for anything, and all together take a few milliseconds.
void add_os(const Root& root, wire::Facts& facts);
void add_hardware(const Root& root, wire::Facts& facts);
void add_platform(const Root& root, wire::Facts& facts);  // container, virtual machine, cloud
void add_network(const Root& root, wire::Facts& facts);

// Counts the packages; a database that has not changed is not read again.
class Packages {
 public:
  void add(const Root& root, wire::Facts& facts);

 private:
  std::string seen_;  // which file, and how it was
  std::int64_t count_ = 0;
};

// The pure parts, by what they read.
void parse_os_release(std::string_view text, wire::Facts& facts);
std::int64_t parse_cpu_list(std::string_view text);  // "0-3,6" is 5; 0 where it is none
void parse_cpuinfo(std::string_view text, wire::Facts& facts);
void parse_meminfo(std::string_view text, wire::Facts& facts);
void parse_route(std::string_view text, wire::Facts& facts);   // /proc/net/route
void parse_inet6(std::string_view text, wire::Facts& facts);   // /proc/net/if_inet6
void parse_resolv(std::string_view text, wire::Facts& facts);  // /etc/resolv.conf
std::int64_t count_dpkg(std::string_view status);
std::int64_t count_apk(std::string_view installed);

// At most `most` bytes of a file; empty where it cannot be read.
std::string read_file(const std::string& path, std::size_t most = 65'536);

// Its first line without spaces around; empty as read_file.
std::string read_line(const std::string& path);

bool exists(const std::string& path);

std::string_view trimmed(std::string_view text);

// Calls see(line) for each line.
template <class See>
void each_line(std::string_view text, See see) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    see(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

// An empty text is no fact.
void put(wire::Facts& facts, const std::string& path, std::string_view text);
void put(wire::Facts& facts, const std::string& path, std::int64_t number);
void put_flag(wire::Facts& facts, const std::string& path, bool flag);

// Adds one to the list at that path.
void put_more(wire::Facts& facts, const std::string& path, std::string_view text);

}  // namespace steward::handlers::facts
