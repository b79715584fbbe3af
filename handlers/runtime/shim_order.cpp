#include "handlers/runtime/shim_order.hpp"

#include "handlers/runtime/launch.hpp"
#include "handlers/runtime/launch/shim_folder.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace steward::runtime {
namespace {

class Fields {
 public:
  Fields() { text_.append(shim::kVersion).push_back('\0'); }

  void add(std::string_view name, std::string_view value) {
    text_.append(name).append("=").append(value).push_back('\0');
  }

  void add(std::string_view name, std::int64_t value) { add(name, std::to_string(value)); }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void add_process(Fields& fields, const SpawnRequest& process) {
  for (const auto& word : process.argv) {
    fields.add("arg", word);
  }
  for (const auto& variable : process.env) {
    fields.add("env", variable);
  }
  for (const auto& path : program_paths(process)) {
    fields.add("try", path);
  }
  fields.add("cwd", process.cwd);
  if (process.identity) {
    fields.add("uid", std::int64_t{process.identity->uid});
    fields.add("gid", std::int64_t{process.identity->gid});
    for (const gid_t group : process.identity->groups) {
      fields.add("group", std::int64_t{group});
    }
  }
  if (process.umask) {
    fields.add("umask", std::int64_t{*process.umask});
  }
  if (process.nice) {
    fields.add("nice", std::int64_t{*process.nice});
  }
  for (const auto& limit : process.limits) {
    fields.add("limit", std::to_string(limit.resource) + ":" + std::to_string(limit.value));
  }
}

}  // namespace

Result<Fd> write_order(const ShimRequest& request) {
  Fields fields;
  add_process(fields, request.process);
  if (!request.input_file.empty()) {
    fields.add("in", request.input_file);
  }
  if (!request.cgroup.empty()) {
    fields.add("cgroup", request.cgroup + "/cgroup.procs");
  }
  fields.add("merge", std::int64_t{request.merge});
  fields.add("notify", std::int64_t{request.notify});
  fields.add("ready_fd", std::int64_t{request.ready_fd});
  fields.add("segment", request.segment_bytes);
  fields.add("keep", request.keep_bytes);
  Fd order(::memfd_create("steward-shim", MFD_CLOEXEC));
  if (!order || ::write(order.get(), fields.text().data(), fields.text().size()) !=
                    static_cast<ssize_t>(fields.text().size())) {
    return tl::unexpected(system_error(errno, "write a shim's order"));
  }
  return order;
}

}  // namespace steward::runtime
