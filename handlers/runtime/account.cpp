#include "handlers/runtime/account.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace steward::runtime {
namespace {

constexpr std::size_t kFirstBuffer = 1024;
constexpr std::size_t kLargestBuffer = 1024 * 1024;
constexpr int kMostGroups = 65536;  // NGROUPS_MAX

std::optional<std::uint32_t> number(const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // The last number stands for "leave it as it is" in the calls that change it.
  return error == std::errc() && end == text.data() + text.size() && value != UINT32_MAX
             ? std::optional(value)
             : std::nullopt;
}

// Calls a get..._r function with a buffer that grows until the entry fits.
template <class Entry>
std::optional<Entry> look_up(std::vector<char>& buffer,
                             const std::function<int(Entry*, char*, std::size_t, Entry**)>& get) {
  for (buffer.resize(kFirstBuffer); buffer.size() <= kLargestBuffer;
       buffer.resize(buffer.size() * 2)) {
    Entry entry{};
    Entry* found = nullptr;
    const int error = get(&entry, buffer.data(), buffer.size(), &found);
    if (error != ERANGE) {
      return found != nullptr ? std::optional(entry) : std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<passwd> user_entry(uid_t uid, std::vector<char>& buffer) {
  return look_up<passwd>(buffer, [uid](passwd* entry, char* at, std::size_t size, passwd** found) {
    return getpwuid_r(uid, entry, at, size, found);
  });
}

std::optional<passwd> user_entry(const std::string& name, std::vector<char>& buffer) {
  const auto by_name =
      look_up<passwd>(buffer, [&name](passwd* entry, char* at, std::size_t size, passwd** found) {
        return getpwnam_r(name.c_str(), entry, at, size, found);
      });
  const auto uid = number(name);
  return by_name || !uid ? by_name : user_entry(*uid, buffer);
}

std::optional<gid_t> group_number(const std::string& name) {
  std::vector<char> buffer;
  const auto entry =
      look_up<group>(buffer, [&name](group* found, char* at, std::size_t size, group** result) {
        return getgrnam_r(name.c_str(), found, at, size, result);
      });
  if (entry) {
    return entry->gr_gid;
  }
  return number(name);
}

// What initgroups would set.
std::vector<gid_t> groups_of(const std::string& name, gid_t primary) {
  int count = 32;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  while (getgrouplist(name.c_str(), primary, groups.data(), &count) < 0 && count <= kMostGroups) {
    groups.resize(static_cast<std::size_t>(count));
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

std::vector<gid_t> own_groups() {
  std::vector<gid_t> groups(static_cast<std::size_t>(kMostGroups));
  const int count = getgroups(kMostGroups, groups.data());
  groups.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return groups;
}

}  // namespace

Account own_account() {
  std::vector<char> buffer;
  Account account{{geteuid(), getegid(), own_groups()}, std::to_string(geteuid()), "/"};
  if (const auto entry = user_entry(geteuid(), buffer)) {
    account.name = entry->pw_name;
    account.home = entry->pw_dir;
  }
  return account;
}

Result<Account> find_account(const std::string& user, const std::string& group) {
  Account account = own_account();
  if (!user.empty()) {
    std::vector<char> buffer;
    const auto entry = user_entry(user, buffer);
    if (!entry) {
      return failure(ErrorCode::no_such_user, "no user '" + user + "' on this unit");
    }
    account.name = entry->pw_name;
    account.home = entry->pw_dir;
    account.identity = {entry->pw_uid, entry->pw_gid, {}};
  }
  if (!group.empty()) {
    const auto gid = group_number(group);
    if (!gid) {
      return failure(ErrorCode::no_such_user, "no group '" + group + "' on this unit");
    }
    account.identity.gid = *gid;
  }
  if (!user.empty()) {
    account.identity.groups = groups_of(account.name, account.identity.gid);
  }
  return account;
}

std::map<std::string, std::string> clean_environment(const Account& account) {
  return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
          {"LANG", "C.UTF-8"},
          {"HOME", account.home},
          {"USER", account.name},
          {"LOGNAME", account.name}};
}

std::vector<std::string> environment_lines(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> lines;
  lines.reserve(variables.size());
  for (const auto& [name, value] : variables) {
    lines.emplace_back(name).append("=").append(value);
  }
  return lines;
}

}  // namespace steward::runtime
