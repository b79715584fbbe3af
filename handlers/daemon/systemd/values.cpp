#include "handlers/daemon/systemd/values.hpp"

#include "handlers/daemon/systemd/library.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using nlohmann::json;

template <class Value>
json number(const SdBus& api, sd_bus_message* message, char type) {
  Value value{};
  api.read_basic(message, type, &value);
  return value;
}

json text(const SdBus& api, sd_bus_message* message, char type) {
  const char* value = nullptr;
  api.read_basic(message, type, &value);
  return value == nullptr ? "" : value;
}

// The values up to the end of the container that was entered.
json sequence(const SdBus& api, sd_bus_message* message);

json dictionary(const SdBus& api, sd_bus_message* message, const std::string& entry) {
  json out = json::object();
  while (api.enter_container(message, SD_BUS_TYPE_DICT_ENTRY, entry.c_str()) > 0) {
    const json pair = sequence(api, message);
    if (pair.size() == 2) {
      out[pair[0].is_string() ? pair[0].get<std::string>() : pair[0].dump()] = pair[1];
    }
    api.exit_container(message);
  }
  return out;
}

json container(const SdBus& api, sd_bus_message* message, char type, const char* contents) {
  if (api.enter_container(message, type, contents) <= 0) {
    return nullptr;
  }
  const std::string_view inner(contents);
  json out = type == SD_BUS_TYPE_ARRAY && inner.starts_with('{')
                 ? dictionary(api, message, std::string(inner.substr(1, inner.size() - 2)))
                 : sequence(api, message);
  api.exit_container(message);
  return type == SD_BUS_TYPE_VARIANT && !out.empty() ? out[0] : out;
}

json value(const SdBus& api, sd_bus_message* message, char type, const char* contents) {
  switch (type) {
    case SD_BUS_TYPE_BYTE:
      return number<std::uint8_t>(api, message, type);
    case SD_BUS_TYPE_BOOLEAN:
      return number<int>(api, message, type) != 0;
    case SD_BUS_TYPE_INT16:
      return number<std::int16_t>(api, message, type);
    case SD_BUS_TYPE_UINT16:
      return number<std::uint16_t>(api, message, type);
    case SD_BUS_TYPE_INT32:
      return number<std::int32_t>(api, message, type);
    case SD_BUS_TYPE_UINT32:
      return number<std::uint32_t>(api, message, type);
    case SD_BUS_TYPE_INT64:
      return number<std::int64_t>(api, message, type);
    case SD_BUS_TYPE_UINT64:
      return number<std::uint64_t>(api, message, type);
    case SD_BUS_TYPE_DOUBLE:
      return number<double>(api, message, type);
    case SD_BUS_TYPE_STRING:
    case SD_BUS_TYPE_OBJECT_PATH:
    case SD_BUS_TYPE_SIGNATURE:
      return text(api, message, type);
    case SD_BUS_TYPE_ARRAY:
    case SD_BUS_TYPE_STRUCT:
    case SD_BUS_TYPE_VARIANT:
      return container(api, message, type, contents);
    default:
      api.skip(message, nullptr);
      return nullptr;
  }
}

json sequence(const SdBus& api, sd_bus_message* message) {
  json out = json::array();
  char type = 0;
  const char* contents = nullptr;
  while (api.peek_type(message, &type, &contents) > 0) {
    out.push_back(value(api, message, type, contents));
  }
  return out;
}

using Meaning = std::pair<std::string_view, ErrorCode>;
constexpr std::array<Meaning, 15> kMeanings{{
    {"org.freedesktop.systemd1.NoSuchUnit", ErrorCode::not_found},
    {"org.freedesktop.systemd1.UnitMasked", ErrorCode::conflict},
    {"org.freedesktop.systemd1.UnitExists", ErrorCode::conflict},
    {"org.freedesktop.systemd1.JobTypeNotApplicable", ErrorCode::unsupported},
    {"org.freedesktop.systemd1.OnlyByDependency", ErrorCode::unsupported},
    {"org.freedesktop.DBus.Error.FileNotFound", ErrorCode::not_found},
    {"org.freedesktop.DBus.Error.AccessDenied", ErrorCode::permission},
    {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", ErrorCode::permission},
    {"org.freedesktop.DBus.Error.NotSupported", ErrorCode::unsupported},
    {"org.freedesktop.DBus.Error.Timeout", ErrorCode::timed_out},
    {"org.freedesktop.DBus.Error.NoReply", ErrorCode::unavailable},
    {"org.freedesktop.DBus.Error.ServiceUnknown", ErrorCode::unavailable},
    {"org.freedesktop.DBus.Error.NameHasNoOwner", ErrorCode::unavailable},
    {"org.freedesktop.DBus.Error.Disconnected", ErrorCode::unavailable},
    {"System.Error.ECONNRESET", ErrorCode::unavailable},
}};

}  // namespace

json values_of(const SdBus& api, sd_bus_message* message) { return sequence(api, message); }

Error error_of(const char* name, const char* message) {
  const std::string_view which = name == nullptr ? "" : name;
  Error error{ErrorCode::exec_failed, message == nullptr ? "" : message};
  for (const auto& [known, code] : kMeanings) {
    if (which == known) {
      error.code = code;
    }
  }
  if (error.message.empty()) {
    error.message = which;
  }
  return error;
}

}  // namespace steward::handlers::daemon
