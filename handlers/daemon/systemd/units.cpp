#include "handlers/daemon/systemd/units.hpp"

#include "handlers/daemon/systemd/library.hpp"
#include "handlers/daemon/systemd/transient.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kProperties = "org.freedesktop.DBus.Properties";
constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr std::array<const char*, 4> kJobs{"StartUnit", "StopUnit", "RestartUnit", "ReloadUnit"};
constexpr milliseconds kStartPatience{90'000};

Connection::Call manager(const char* member, const std::string& unit) {
  Connection::Call call;
  call.member = member;
  call.fill = [unit](const SdBus& api, sd_bus_message* message) {
    return api.append(message, "s", unit.c_str());
  };
  return call;
}

Connection::Call all_properties(const std::string& unit) {
  Connection::Call call;
  call.path = unit_path(unit);
  call.interface = kProperties;
  call.member = "GetAll";
  call.fill = [](const SdBus& api, sd_bus_message* message) {
    return api.append(message, "s", "");
  };
  return call;
}

}  // namespace

class Units::Watch {
 public:
  Watch(Connection& connection, std::string unit, Watcher watcher)
      : unit_(std::move(unit)),
        watcher_(std::move(watcher)),
        connection_(connection),
        match_(connection.watch(
            unit_path(unit_), kProperties, "PropertiesChanged", [this](const json& values) {
              changed(values);
            })) {}

  ~Watch() { connection_.unwatch(match_); }

  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  const std::string& unit() const { return unit_; }

  void all(const json& properties) {
    known_ = true;
    state_ = {};
    take(state_, properties);
    watcher_.state(state_);
  }

  void lost(const std::string& why) {
    known_ = false;
    watcher_.lost(why);
  }

 private:
  // systemd tells what belongs to a service first and then what all units have, with the state.
  void changed(const json& values) {
    if (values.size() < 2 || !known_) {
      return;
    }
    const auto before = state_;
    take(state_, values[1]);
    if (values[0] != kUnit) {
      state_.active = before.active;
      state_.sub = before.sub;
    } else {
      watcher_.state(state_);
    }
  }

  const std::string unit_;
  const Watcher watcher_;
  Connection& connection_;
  const std::uint64_t match_;
  UnitState state_;
  bool known_ = false;
};

Units::Units(runtime::Loop& loop, std::string address)
    : loop_(loop),
      connection_(loop,
                  std::move(address),
                  {[this] { fresh(); }, [this](const std::string& why) { lost(why); }}),
      alive_(std::make_shared<Units*>(this)) {}

Units::~Units() = default;

void Units::call(const Connection::Call& call, Connection::Reply reply) {
  if (!opened_) {
    opened_ = true;
    if (auto opened = connection_.open(); !opened) {
      trouble_ = opened.error().message;
    } else {
      connection_.watch(kManagerPath, kManager, "JobRemoved", [this](const json& values) {
        if (values.size() == 4 && values[1].is_string() && values[3].is_string()) {
          job_removed(values[1], values[3]);
        }
      });
      connection_.watch(kManagerPath, kManager, "Reloading", [this](const json& values) {
        if (!values.empty() && values[0] == false) {
          fresh();
        }
      });
    }
  }
  connection_.call(call, std::move(reply));
}

// All that is watched is asked for: signals may have been missed.
void Units::fresh() {
  trouble_.clear();
  for (const auto& weak : watches_) {
    if (const auto watch = weak.lock()) {
      resync(watch);
    }
  }
}

void Units::lost(const std::string& why) {
  trouble_ = why;
  const auto jobs = std::exchange(jobs_, {});
  for (const auto& [path, running] : jobs) {
    running.done(failure(ErrorCode::unavailable,
                         "systemd went away: what became of the job is not known (" + why + ")"));
  }
  for (const auto& weak : std::list(watches_)) {
    if (const auto watch = weak.lock()) {
      watch->lost(why);
    }
  }
}

void Units::resync(const std::shared_ptr<Watch>& watch) {
  const std::weak_ptr<Watch> weak(watch);
  call(all_properties(watch->unit()), [weak](const Error* error, const json& values) {
    const auto living = weak.lock();
    if (living && error == nullptr && !values.empty()) {
      living->all(values[0]);
    }
  });
}

std::shared_ptr<Units::Watch> Units::watch(const std::string& unit, Watcher watcher) {
  std::erase_if(watches_, [](const auto& weak) { return weak.expired(); });
  if (!opened_) {  // so that a match can be made
    call(
        {.member = "GetUnit",
         .fill = [](const SdBus& api, sd_bus_message* m) { return api.append(m, "s", "-.slice"); }},
        [](const Error*, const json&) {});
  }
  auto watch = std::make_shared<Watch>(connection_, unit, std::move(watcher));
  watches_.push_back(watch);
  if (connection_.up()) {
    resync(watch);
  }
  return watch;
}

void Units::run(const Connection::Call& wanted, milliseconds timeout, JobDone done) {
  call(wanted, [this, timeout, done = std::move(done)](const Error* error, const json& values) {
    if (error != nullptr) {
      return done(tl::unexpected<Error>(*error));
    }
    const std::string path = values.empty() ? "" : values[0].get<std::string>();
    auto patience = std::make_unique<runtime::Timer>(loop_, [this, path] {
      call({.path = path,
            .interface = "org.freedesktop.systemd1.Job",
            .member = "Cancel",
            .fill = nullptr},
           [](const Error*, const json&) {});
      job_removed(path, "");
    });
    patience->start(timeout);
    jobs_[path] = {done, std::move(patience)};
  });
}

// An empty result: it did not end in time.
void Units::job_removed(const std::string& path, const std::string& result) {
  const auto found = jobs_.find(path);
  if (found == jobs_.end()) {
    return;
  }
  const auto running = std::move(found->second);
  jobs_.erase(found);
  if (result.empty()) {
    running.done(failure(ErrorCode::timed_out, "the job did not end in time and was cancelled"));
  } else {
    running.done(result);
  }
}

void Units::job(Job job, const std::string& unit, milliseconds timeout, JobDone done) {
  Connection::Call call;
  call.member = kJobs[static_cast<std::size_t>(job)];
  call.fill = [unit](const SdBus& api, sd_bus_message* message) {
    return api.append(message, "ss", unit.c_str(), "replace");
  };
  run(call, timeout, std::move(done));
}

void Units::start_transient(const std::string& unit, const wire::DaemonSpec& spec, JobDone done) {
  Connection::Call call;
  call.member = "StartTransientUnit";
  call.fill = [unit, spec](const SdBus& api, sd_bus_message* message) {
    return append_transient(api, message, unit, spec);
  };
  run(call, std::max(spec.ready.timeout, milliseconds(1'000)) + kStartPatience, std::move(done));
}

Connection::Reply Units::only(Done done) {
  return [done = std::move(done)](const Error* error, const json&) {
    done(error == nullptr ? Result<void>() : tl::unexpected<Error>(*error));
  };
}

void Units::kill(const std::string& unit, int signal, Done done) {
  Connection::Call call;
  call.member = "KillUnit";
  call.fill = [unit, signal](const SdBus& api, sd_bus_message* message) {
    return api.append(message, "ssi", unit.c_str(), "all", signal);
  };
  this->call(call, only(std::move(done)));
}

void Units::on_unit(const char* method, const std::string& unit, Done done) {
  call(manager(method, unit), only(std::move(done)));
}

void Units::freeze(const std::string& unit, Done done) {
  on_unit("FreezeUnit", unit, std::move(done));
}

void Units::thaw(const std::string& unit, Done done) { on_unit("ThawUnit", unit, std::move(done)); }

void Units::reset_failed(const std::string& unit, Done done) {
  on_unit("ResetFailedUnit", unit, std::move(done));
}

// The links of the files are changed at once; systemd is told to read them.
void Units::unit_files(const char* method, const std::string& unit, Done done) {
  Connection::Call call;
  call.member = method;
  const bool enable = call.member == "EnableUnitFiles";
  call.fill = [unit, enable](const SdBus& api, sd_bus_message* message) {
    std::string name = unit;
    std::array<char*, 2> names{name.data(), nullptr};
    const int appended = api.append_strv(message, names.data());
    return appended < 0 ? appended
           : enable     ? api.append(message, "bb", 0, 0)
                        : api.append(message, "b", 0);
  };
  this->call(call, [this, done = std::move(done)](const Error* error, const json&) {
    if (error != nullptr) {
      return done(tl::unexpected<Error>(*error));
    }
    this->call({.member = "Reload", .fill = nullptr}, only(done));
  });
}

void Units::enable(const std::string& unit, Done done) {
  unit_files("EnableUnitFiles", unit, std::move(done));
}

void Units::disable(const std::string& unit, Done done) {
  unit_files("DisableUnitFiles", unit, std::move(done));
}

void Units::list(Told told) {
  call({.member = "ListUnits", .fill = nullptr},
       [told = std::move(told)](const Error* error, const json& values) {
         if (error != nullptr) {
           return told(tl::unexpected<Error>(*error));
         }
         json units = json::array();
         for (const auto& row : values.empty() ? json::array() : values[0]) {
           if (row.size() > 4) {
             units.push_back({{"unit", row[0]},
                              {"description", row[1]},
                              {"load", row[2]},
                              {"active", row[3]},
                              {"sub", row[4]}});
           }
         }
         told(units.dump(-1, ' ', false, json::error_handler_t::replace));
       });
}

// systemd answers for a unit that is not there, too: with a state that says so.
void Units::properties(const std::string& unit, Told told) {
  call(all_properties(unit),
       [unit, told = std::move(told)](const Error* error, const json& values) {
         if (error != nullptr) {
           return told(tl::unexpected<Error>(*error));
         }
         if (values.empty() || values[0].value("LoadState", "") == "not-found") {
           return told(failure(ErrorCode::not_found, "systemd knows no unit '" + unit + "'"));
         }
         told(values[0].dump(-1, ' ', false, json::error_handler_t::replace));
       });
}

}  // namespace steward::handlers::daemon
