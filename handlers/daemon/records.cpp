#include "handlers/daemon/records.hpp"

#include "handlers/runtime/kept_file.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::handlers::daemon {
namespace {

using nlohmann::json;

// The format of the files. A field that comes later is optional and needs no new number.
constexpr int kFormat = 1;

Result<Record> parse(const std::string& text) {
  const auto object = json::parse(text, nullptr, false);
  if (!object.is_object() || object.value("format", 0) != kFormat || !object.contains("spec")) {
    return failure(ErrorCode::bad_config, "is no record of a daemon of this format");
  }
  Record record;
  STEWARD_TRY(record.spec, wire::decode_daemon_spec(object["spec"].dump()));
  if (object.contains("good")) {
    STEWARD_TRY(record.good, wire::decode_daemon_spec(object["good"].dump()));
  }
  if (object.contains("old")) {
    STEWARD_TRY(record.old, wire::decode_daemon_spec(object["old"].dump()));
  }
  record.version = object.value("version", std::int64_t{1});
  record.wanted = object.value("wanted", true);
  record.ended_in_boot = object.value("ended_in_boot", "");
  record.file = object.value("file", "");
  return record;
}

}  // namespace

std::vector<Record> Records::load(std::vector<std::string>& wrong) const {
  std::vector<Record> records;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().extension() != ".json") {
      continue;
    }
    const auto text = runtime::load_kept(entry.path());
    auto record = !text   ? Result<Record>(tl::unexpected<Error>(text.error()))
                  : *text ? parse(**text)
                          : Result<Record>(failure(ErrorCode::not_found, "is gone"));
    if (record) {
      records.push_back(*std::move(record));
    } else {
      wrong.push_back(entry.path().string() + ": " + record.error().message);
    }
  }
  return records;
}

Result<void> Records::save(const Record& record) const {
  json out = {{"format", kFormat},
              {"version", record.version},
              {"wanted", record.wanted},
              {"spec", json::parse(wire::encode(record.spec))}};
  if (!record.ended_in_boot.empty()) {
    out["ended_in_boot"] = record.ended_in_boot;
  }
  if (!record.file.empty()) {
    out["file"] = record.file;
  }
  if (record.good) {
    out["good"] = json::parse(wire::encode(*record.good));
  }
  if (record.old) {
    out["old"] = json::parse(wire::encode(*record.old));
  }
  return runtime::save_kept(folder_ / (record.spec.name + ".json"), out.dump());
}

void Records::remove(const std::string& name) const {
  std::error_code error;
  std::filesystem::remove(folder_ / (name + ".json"), error);
}

}  // namespace steward::handlers::daemon
