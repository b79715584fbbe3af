#include "subjects/bus/lease.hpp"

#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::bus {
namespace {

using std::chrono::milliseconds;

// How often a key that another holds is looked at.
constexpr milliseconds kLook{500};
constexpr milliseconds kRetry{500};

constexpr std::int64_t kBucketBytes = 1024 * 1024;

struct Holding {
  std::string holder;  // empty: given up
  std::string session;
};

// A value that cannot be read is somebody's whom we do not know: it moves or it does not.
Holding parse_holding(const std::string& text) {
  const auto object = nlohmann::json::parse(text, nullptr, false);
  const auto word = [&object](const char* name) {
    const auto at = object.find(name);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  if (!object.is_object() || !object.contains("holder")) {
    return {"unknown", {}};
  }
  return {word("holder"), word("session")};
}

}  // namespace

Lease::Lease(JetStream& jetstream, Settings settings)
    : jetstream_(jetstream),
      settings_(std::move(settings)),
      subject_("$KV." + settings_.bucket + "." + settings_.key) {}

void Lease::link(bool up, Steady now) {
  up_ = up;
  next_ = now;
  // While the link was away nobody could be watched: its time begins anew.
  moved_.reset();
}

void Lease::tick(Steady now) {
  if (!up_) {
    if (!failing_since_) {
      failing_since_ = now;
      trouble_ = "no link";
    }
    return;
  }
  if (asking_ || now < next_) {
    return;
  }
  ours_ ? write(now) : read(now);
}

std::optional<Lease::Steady> Lease::next_deadline() const {
  if (!up_) {
    return std::nullopt;
  }
  return asking_ ? std::nullopt : std::optional(next_);
}

void Lease::read(Steady now) {
  asking_ = true;
  jetstream_.last_message("KV_" + settings_.bucket, subject_, now, [this, now](const auto& found) {
    asking_ = false;
    take_read(found, now);
  });
}

void Lease::take_read(const Result<std::optional<StoredMessage>>& found, Steady asked) {
  if (!found) {
    if (found.error().code == ErrorCode::not_found) {
      make_bucket(asked);
    } else {
      failed(found.error(), asked);
    }
    return;
  }
  const bool first = !std::exchange(was_read_, true);
  if (!*found) {
    // The broker has lost the key of one who may hold it still.
    if (!seen_holder_.empty() && seen_holder_ != settings_.holder) {
      watch(0, jetstream_.now());
    } else {
      revision_ = 0;
      write(jetstream_.now());
    }
    return;
  }
  const auto holding = parse_holding((*found)->payload);
  const auto revision = (*found)->position.seq;
  seen_holder_ = holding.holder;
  const bool own = holding.holder == settings_.holder;
  if (holding.holder.empty() || (own && (first || holding.session == settings_.session))) {
    revision_ = revision;
    write(jetstream_.now());
  } else {
    watch(revision, jetstream_.now());
  }
}

// Another holds it.
void Lease::watch(std::uint64_t revision, Steady now) {
  failing_since_.reset();
  if (!moved_ || revision != revision_) {
    revision_ = revision;
    moved_ = now;
  }
  if (now - *moved_ >= kTakeover) {
    write(now);
  } else {
    next_ = std::min(now + kLook, *moved_ + kTakeover);
  }
}

void Lease::write(Steady now) {
  asking_ = true;
  jetstream_.put(
      subject_, text(settings_.holder), revision_, now, [this, now](const auto& written) {
        asking_ = false;
        take_written(written, now);
      });
}

void Lease::take_written(const Result<std::uint64_t>& written, Steady asked) {
  if (written) {
    ours_ = true;
    revision_ = *written;
    // From when it was asked: the write itself came later, and others count from there.
    renewed_ = asked;
    seen_holder_ = settings_.holder;
    failing_since_.reset();
    trouble_.clear();
    moved_.reset();
    next_ = asked + kRenewal;
    return;
  }
  if (written.error().code == ErrorCode::conflict) {
    // Another was faster, or an answer to a write of ours was lost: the key tells.
    ours_ = false;
    moved_.reset();
    next_ = jetstream_.now();
    return;
  }
  if (written.error().code == ErrorCode::unavailable && up_) {
    ours_ = false;  // perhaps there is no bucket: reading tells
  }
  failed(written.error(), asked);
}

void Lease::make_bucket(Steady now) {
  StreamConfig config;
  config.name = "KV_" + settings_.bucket;
  config.subjects = {"$KV." + settings_.bucket + ".>"};
  config.max_bytes = kBucketBytes;
  config.max_messages_per_subject = 1;
  config.discard = StreamConfig::Discard::newest;
  config.replicas = settings_.replicas;
  asking_ = true;
  jetstream_.create(config, now, [this, now](const auto& made) {
    asking_ = false;
    if (made) {
      next_ = jetstream_.now();
    } else {
      failed(made.error(), now);
    }
  });
}

void Lease::failed(const Error& error, Steady asked) {
  if (!failing_since_) {
    failing_since_ = asked;
  }
  trouble_ = error.text();
  next_ = std::max(jetstream_.now(), asked + kRetry);
}

void Lease::release(Steady now) {
  if (ours_ && up_ && held(now)) {
    jetstream_.put(subject_, text(""), revision_, now, [](const auto&) {});
  }
  ours_ = false;
  renewed_.reset();
}

std::string Lease::text(std::string_view holder) const {
  nlohmann::json object{{"holder", holder}, {"session", settings_.session}};
  if (settings_.padding > 0) {
    object["padding"] = std::string(settings_.padding, '.');
  }
  return object.dump();
}

}  // namespace steward::bus
