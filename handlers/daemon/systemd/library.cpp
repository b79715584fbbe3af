#include "handlers/daemon/systemd/library.hpp"

#include <dlfcn.h>

#include <optional>

namespace steward::handlers::daemon {
namespace {

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

std::optional<SdBus> load() {
  void* library = ::dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  SdBus bus;
  const bool whole = library != nullptr && find(library, "sd_bus_new", bus.create) &&
                     find(library, "sd_bus_set_address", bus.set_address) &&
                     find(library, "sd_bus_set_bus_client", bus.set_bus_client) &&
                     find(library, "sd_bus_start", bus.start) &&
                     find(library, "sd_bus_close_unref", bus.close_unref) &&
                     find(library, "sd_bus_is_open", bus.is_open) &&
                     find(library, "sd_bus_get_fd", bus.get_fd) &&
                     find(library, "sd_bus_get_events", bus.get_events) &&
                     find(library, "sd_bus_get_timeout", bus.get_timeout) &&
                     find(library, "sd_bus_process", bus.process) &&
                     find(library, "sd_bus_call_async", bus.call_async) &&
                     find(library, "sd_bus_add_match_async", bus.add_match_async) &&
                     find(library, "sd_bus_slot_unref", bus.slot_unref) &&
                     find(library, "sd_bus_path_encode", bus.path_encode) &&
                     find(library, "sd_bus_message_new_method_call", bus.new_method_call) &&
                     find(library, "sd_bus_message_unref", bus.message_unref) &&
                     find(library, "sd_bus_message_append", bus.append) &&
                     find(library, "sd_bus_message_append_strv", bus.append_strv) &&
                     find(library, "sd_bus_message_open_container", bus.open_container) &&
                     find(library, "sd_bus_message_close_container", bus.close_container) &&
                     find(library, "sd_bus_message_get_error", bus.get_error) &&
                     find(library, "sd_bus_message_peek_type", bus.peek_type) &&
                     find(library, "sd_bus_message_read_basic", bus.read_basic) &&
                     find(library, "sd_bus_message_enter_container", bus.enter_container) &&
                     find(library, "sd_bus_message_exit_container", bus.exit_container) &&
                     find(library, "sd_bus_message_skip", bus.skip);
  return whole ? std::optional(bus) : std::nullopt;
}

}  // namespace

// For good: a library with threads or caches of its own does not like to go.
const SdBus* SdBus::get() {
  static const std::optional<SdBus> kBus = load();
  return kBus ? &*kBus : nullptr;
}

}  // namespace steward::handlers::daemon
