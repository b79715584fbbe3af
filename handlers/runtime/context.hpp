#pragma once

#include "handlers/runtime/handler.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/options.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/hello.hpp"
#include "subjects/wire/names.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace steward::runtime {

class Processes;

// Time and chance, as arguments (tests pass their own).
class Clock {
 public:
  virtual ~Clock() = default;
  virtual wire::Timestamp now() const = 0;                           // wall
  virtual std::chrono::steady_clock::time_point steady() const = 0;  // for durations
  virtual wire::MessageId new_id() = 0;
};

// An event that the broker is to keep.
struct Delivery {
  wire::MessageId id;  // the same when it is said again: the broker keeps it once
  wire::Token domain;  // may be another than the handler's own
  std::string payload;
  std::string content_type = "application/json";
  std::string content_encoding;
};

// The ways of a handler to the station. On the handler's thread.
class Publisher {
 public:
  virtual ~Publisher() = default;

  // A step of a command that this handler has taken: queued, running or a terminal state. Recorded.
  // A second terminal one for the same command is a bug: it is logged and not sent.
  virtual void reply(wire::Ack ack) = 0;

  // The effect of a command that this handler has taken is about to begin (Admission's
  // begins_itself): `then` is called on this thread once that is on disk, at once where it is
  // already; never, where the command has ended meanwhile.
  virtual void begin(const wire::MessageId& ref, std::function<void()> then) = 0;

  // A streamed event, <node>.event.<method>.<domain>: goes out now or not at all. Errors:
  // unavailable (no link), too_large.
  [[nodiscard]] virtual Result<void> stream(std::string payload) = 0;

  // A recorded event on the same subject: kept until the station has it.
  virtual void record(std::string payload) = 0;

  // A recorded event on <node>.event.alert.<this handler's method>: wire::AlertEvent.
  virtual void alert(std::string payload) = 0;

  // A streamed event on <node>.event.<method>.<delivery's domain>, with the broker's
  // acknowledgement: `then` is called once, on this thread, never from within, and never after the
  // handler's end. Errors: unavailable (no link, no stream), timed_out, no_space, io, too_large.
  // After an error it may be kept all the same: say it again under the same id.
  virtual void deliver(Delivery delivery, std::function<void(Result<void>)> then) = 0;

  // Waits no time: whether the link to the broker is up.
  virtual bool link_up() const = 0;
};

// What the agent knows of itself, for hello. Any thread.
class Vitals {
 public:
  virtual ~Vitals() = default;

  // interval, first and bye are the caller's to fill in.
  virtual wire::Hello hello() const = 0;

  // The hash of the unit's facts as they were told last, to be said in hello.
  virtual void facts_told(const std::string& hash) = 0;

  // What a handler has to say of its work, for its row in hello; in place of what it said before.
  virtual void figures_told(const wire::Token& /*method*/,
                            const wire::Token& /*domain*/,
                            const std::map<std::string, std::int64_t>& /*figures*/) {}
};

// All that a handler can reach.
struct Context {
  wire::NodeName node;
  wire::Token method;
  wire::Token domain;
  Loop& loop;
  Publisher& publisher;
  Clock& clock;
  Logger log;
  Options options;                  // its own section: [<method>.<domain>] over [<method>]
  std::filesystem::path state_dir;  // its own folder below the agent's, made at first use by it
  Processes& processes;
  Vitals& vitals;
};

}  // namespace steward::runtime
