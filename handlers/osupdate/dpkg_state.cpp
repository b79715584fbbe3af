#include "handlers/osupdate/dpkg_state.hpp"

#include "handlers/osupdate/machine_files.hpp"
#include "handlers/runtime/fd.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

struct Stanza {
  std::string name;
  std::string architecture;
  std::string version;
  std::string want;
  std::string flag;
  std::string status;
  bool essential = false;
};

// The next line, without its end.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto end = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

void read_field(std::string_view line, Stanza& stanza) {
  const auto value_of = [line](std::string_view field) -> std::optional<std::string_view> {
    if (!line.starts_with(field)) {
      return std::nullopt;
    }
    const auto value = line.substr(field.size());
    return value.substr(std::min(value.find_first_not_of(' '), value.size()));
  };
  if (const auto name = value_of("Package:")) {
    stanza.name = *name;
  } else if (const auto architecture = value_of("Architecture:")) {
    stanza.architecture = *architecture;
  } else if (const auto version = value_of("Version:")) {
    stanza.version = *version;
  } else if (const auto essential = value_of("Essential:")) {
    stanza.essential = *essential == "yes";
  } else if (auto status = value_of("Status:")) {
    stanza.want = take_word(*status);
    stanza.flag = take_word(*status);
    stanza.status = take_word(*status);
  }
}

std::vector<Stanza> stanzas_of(std::string_view text) {
  std::vector<Stanza> stanzas;
  Stanza stanza;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (!line.empty()) {
      read_field(line, stanza);
    }
    if ((line.empty() || text.empty()) && !stanza.name.empty()) {
      stanzas.push_back(std::exchange(stanza, {}));
    }
  }
  return stanzas;
}

// That of most packages.
std::string own_architecture(const std::vector<Stanza>& stanzas) {
  std::map<std::string, int> counts;
  for (const auto& stanza : stanzas) {
    counts[stanza.architecture] += stanza.architecture == "all" ? 0 : 1;
  }
  const auto most = std::max_element(counts.begin(), counts.end(), [](auto& one, auto& other) {
    return one.second < other.second;
  });
  return most == counts.end() ? "" : most->first;
}

}  // namespace

SystemState parse_dpkg_status(std::string_view text) {
  SystemState state;
  const auto stanzas = stanzas_of(text);
  const auto own = own_architecture(stanzas);
  for (const auto& stanza : stanzas) {
    const auto name = stanza.architecture == "all" || stanza.architecture == own
                          ? stanza.name
                          : stanza.name + ":" + stanza.architecture;
    if (stanza.status == "not-installed" || stanza.status == "config-files") {
      continue;
    }
    if (stanza.status != "installed" || stanza.flag == "reinstreq") {
      state.broken.push_back(name);
      if (stanza.status == "half-installed" || stanza.flag == "reinstreq") {
        state.half_unpacked.push_back(name);
      }
    }
    state.packages[name] = {stanza.version, stanza.want == "hold", stanza.essential};
  }
  return state;
}

Result<SystemState> read_dpkg_state(const std::filesystem::path& folder) {
  errno = 0;
  std::ifstream file(folder / "status", std::ios::binary);
  if (!file) {
    return tl::unexpected(system_error(errno, "read " + (folder / "status").string()));
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto state = parse_dpkg_status(text);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "updates", error)) {
    const std::string name = entry.path().filename();
    state.interrupted |= name.find_first_not_of("0123456789") == std::string::npos;
  }
  return state;
}

Result<std::optional<LockHolder>> lock_holder_of(const std::vector<std::filesystem::path>& files) {
  for (const auto& path : files) {
    const runtime::Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!file && errno == ENOENT) {
      continue;
    }

    struct flock lock {};

    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (!file || ::fcntl(file.get(), F_GETLK, &lock) != 0) {
      return tl::unexpected(system_error(errno, "look at " + path.string()));
    }
    if (lock.l_type != F_UNLCK) {
      return holder_named(lock.l_pid);
    }
  }
  return std::nullopt;
}

}  // namespace steward::handlers::osupdate
