#include "edge/shim/order.hpp"

#include "handlers/runtime/launch/shim_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace steward::shim {
namespace {

// The bytes of the order, with a NUL behind them.
char* read_all(int fd, std::size_t& size) {
  struct stat file {};

  if (fstat(fd, &file) != 0 || file.st_size <= 0) {
    return nullptr;
  }
  size = static_cast<std::size_t>(file.st_size);
  auto* bytes = static_cast<char*>(malloc(size + 1));
  std::size_t got = 0;
  while (bytes != nullptr && got < size) {
    const ssize_t n = pread(fd, bytes + got, size - got, static_cast<off_t>(got));
    if (n <= 0) {
      return nullptr;
    }
    got += static_cast<std::size_t>(n);
  }
  if (bytes != nullptr) {
    bytes[size] = 0;
  }
  return bytes;
}

// The value of a field of that name, or null.
const char* value_of(const char* field, const char* name) {
  const std::size_t length = strlen(name);
  return strncmp(field, name, length) == 0 && field[length] == '=' ? field + length + 1 : nullptr;
}

long number(const char* text) { return strtol(text, nullptr, 10); }

std::size_t count_fields(const char* bytes, std::size_t size) {
  std::size_t fields = 0;
  for (std::size_t at = 0; at < size; ++at) {
    fields += bytes[at] == 0 ? 1 : 0;
  }
  return fields;
}

void take_limit(const char* value, Order& order) {
  char* rest = nullptr;
  const long resource = strtol(value, &rest, 10);
  if (*rest == ':') {
    order.limits[order.limit_count++] = {static_cast<int>(resource),
                                         strtoull(rest + 1, nullptr, 10)};
  }
}

bool take_list(const char* field, Order& order, std::size_t& argc, std::size_t& paths) {
  if (const char* value = value_of(field, "arg")) {
    order.argv[argc++] = value;
  } else if (const char* variable = value_of(field, "env")) {
    order.env[order.env_count++] = variable;
  } else if (const char* path = value_of(field, "try")) {
    order.candidates[paths++] = path;
  } else if (const char* group = value_of(field, "group")) {
    order.groups[order.group_count++] = static_cast<gid_t>(number(group));
  } else if (const char* limit = value_of(field, "limit")) {
    take_limit(limit, order);
  } else {
    return false;
  }
  return true;
}

void take_text(const char* field, Order& order) {
  if (const char* cwd = value_of(field, "cwd")) {
    order.cwd = cwd;
  } else if (const char* in = value_of(field, "in")) {
    order.in = in;
  } else if (const char* cgroup = value_of(field, "cgroup")) {
    order.cgroup = cgroup;
  } else if (const char* uid = value_of(field, "uid")) {
    order.uid = static_cast<uid_t>(number(uid));
    order.other_identity = 1;
  } else if (const char* gid = value_of(field, "gid")) {
    order.gid = static_cast<gid_t>(number(gid));
  } else if (const char* nice = value_of(field, "nice")) {
    order.nice = static_cast<int>(number(nice));
    order.nice_set = 1;
  }
}

void take_number(const char* field, Order& order) {
  const struct {
    const char* name;
    int* place;
  } numbers[] = {{"umask", &order.umask},
                 {"merge", &order.merge},
                 {"notify", &order.notify},
                 {"ready_fd", &order.ready_fd}};

  for (const auto& known : numbers) {
    if (const char* value = value_of(field, known.name)) {
      *known.place = static_cast<int>(number(value));
    }
  }
  if (const char* segment = value_of(field, "segment")) {
    order.segment_bytes = number(segment);
  } else if (const char* keep = value_of(field, "keep")) {
    order.keep_bytes = number(keep);
  }
}

template <class Element>
Element* room_for(std::size_t count) {
  return static_cast<Element*>(calloc(count, sizeof(Element)));
}

}  // namespace

bool read_order(int fd, Order& order) {
  std::size_t size = 0;
  char* bytes = read_all(fd, size);
  if (bytes == nullptr || strcmp(bytes, runtime::shim::kVersion) != 0) {
    return false;
  }
  // Each list has room for all fields, its end and one more.
  const std::size_t most = count_fields(bytes, size) + 2;
  order.argv = room_for<const char*>(most);
  order.env = room_for<const char*>(most);
  order.candidates = room_for<const char*>(most);
  order.groups = room_for<gid_t>(most);
  order.limits = room_for<runtime::ChildLimit>(most);
  std::size_t argc = 0;
  std::size_t paths = 0;
  for (const char* field = bytes; field < bytes + size; field += strlen(field) + 1) {
    if (!take_list(field, order, argc, paths)) {
      take_text(field, order);
      take_number(field, order);
    }
  }
  return argc > 0 && paths > 0;
}

}  // namespace steward::shim
