#include "tools/stewardctl/follow.hpp"

#include "tools/stewardctl/targets.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;

// Beyond so many units one wildcard subscription is cheaper than one for each.
constexpr std::size_t kMostOwnSubjects = 16;
constexpr milliseconds kTick{100};
constexpr milliseconds kSilence{2'000};
constexpr milliseconds kLongestPoll{10'000};
constexpr milliseconds kAnswerTimeout{3'000};

milliseconds between(UnitProgress::Clock::time_point from, UnitProgress::Clock::time_point to) {
  return std::max(std::chrono::duration_cast<milliseconds>(to - from), milliseconds(0));
}

}  // namespace

Follower::Follower(Session& session, JobProgress& progress, JobView& view, Patience patience)
    : session_(session),
      progress_(progress),
      view_(view),
      patience_(patience),
      next_poll_(Clock::now() + kSilence),
      poll_interval_(kSilence),
      link_since_(Clock::now()),
      connects_seen_(session.bus().status().connects),
      lost_seen_(session.lost()) {}

Result<void> Follower::listen() {
  std::vector<std::string> nodes{"*"};
  if (progress_.units().size() <= kMostOwnSubjects) {
    nodes.clear();
    for (const UnitProgress& unit : progress_.units()) {
      nodes.push_back(unit.unit);
    }
  }
  for (const std::string& node : nodes) {
    const std::string& method = progress_.method();
    const auto subjects = {fmt::format("{}.event.ack.{}", node, method),
                           fmt::format("{}.event.{}.{}", node, method, progress_.domain())};
    for (const std::string& subject : subjects) {
      if (auto heard = session_.listen(subject); !heard) {
        return heard;
      }
    }
  }
  return {};
}

Follower::Ending Follower::run() {
  view_.started(progress_);
  for (const UnitProgress& unit : progress_.units()) {
    if (unit.ended()) {
      view_.ended(unit, between(unit.published, Clock::now()));
    }
  }
  if (begin_) {
    begin_();
  }
  while (true) {
    receive();
    notice_losses();
    poll_station();
    give_up_silent_ones(Clock::now());
    if (progress_.finished()) {
      view_.finished(progress_);
      return Ending::finished;
    }
    if (patience_.until_running && progress_.runs_everywhere()) {
      view_.finished(progress_);
      return Ending::running;
    }
    view_.tick(progress_);
    if (session_.wait(Clock::now() + kTick) == Session::Woken::interrupted) {
      return Ending::interrupted;
    }
  }
}

void Follower::receive() {
  for (const Delivery& delivery : session_.take()) {
    const bool taken =
        (others_ && others_(delivery)) || (question_ != nullptr && question_->take(delivery));
    if (!taken) {
      receive(delivery);
    }
  }
  if (question_ != nullptr) {
    auto outcome = question_->outcome(Clock::now(), session_.settings().station);
    if (outcome) {
      question_.reset();
      take_answer(*std::move(outcome));
    }
  }
}

void Follower::receive(const Delivery& delivery) {
  const auto subject = wire::Subject::parse(delivery.message.subject);
  if (!subject || !subject->node) {
    return;
  }
  if (subject->method.str() == "ack") {
    receive_ack(subject->node->str(), delivery);
  } else {
    receive_output(subject->node->str(), delivery);
  }
}

void Follower::receive_ack(const std::string& from, const Delivery& delivery) {
  const auto ack = wire::decode_ack(delivery.message.payload);
  if (!ack) {
    return;
  }
  if (const UnitProgress* unit = progress_.apply(from, *ack, delivery.at); unit != nullptr) {
    poll_interval_ = kSilence;
    next_poll_ = Clock::now() + poll_interval_;
    tell(*unit, delivery.at);
  }
}

void Follower::receive_output(const std::string& from, const Delivery& delivery) {
  const auto event = wire::decode_shell_event(delivery.message.payload);
  if (!event) {
    return;
  }
  if (const UnitProgress* unit = progress_.heard(from, event->ref, delivery.at); unit != nullptr) {
    next_poll_ = Clock::now() + poll_interval_;
    view_.output(*unit, *event);
  }
}

void Follower::tell(const UnitProgress& unit, Clock::time_point at) {
  const auto since = between(unit.published, at);
  if (unit.ended()) {
    view_.ended(unit, since);
  } else {
    view_.acked(unit, since);
  }
}

void Follower::notice_losses() {
  const bus::LinkStatus link = session_.bus().status();
  const auto connects = link.connects;
  if (link.state != bus::LinkState::up || connects != connects_seen_) {
    link_since_ = Clock::now();
  }
  const auto lost = session_.lost();
  if (connects != connects_seen_ || lost != lost_seen_) {
    connects_seen_ = connects;
    lost_seen_ = lost;
    poll_interval_ = kSilence;
    next_poll_ = Clock::now();
  }
}

// The job first, and once its answer is there the state of the units, in turns.
void Follower::poll_station() {
  const auto now = Clock::now();
  if (question_ != nullptr || now < next_poll_) {
    return;
  }
  wire::QueryRequest request = all_rows();
  if (asked_ == Asked::job) {
    request.job = progress_.job().str();
  } else {
    for (const UnitProgress& unit : progress_.units()) {
      if (!unit.ended()) {
        request.units.push_back(unit.unit);
      }
    }
  }
  next_poll_ = now + poll_interval_;
  auto question = session_.ask(asked_ == Asked::job ? "job" : "units", request, kAnswerTimeout);
  if (question) {
    question_ = *std::move(question);
  }
}

void Follower::take_answer(Result<Answer> answer) {
  const Asked asked = std::exchange(asked_, asked_ == Asked::job ? Asked::units : Asked::job);
  if (!answer) {
    if (asked == Asked::units || is_silence(answer.error())) {
      states_.clear();
    }
  } else if (asked == Asked::job) {
    take_job(*answer);
  } else {
    take_units(*answer);
  }
  if (asked == Asked::job) {
    next_poll_ = Clock::now();
  } else {
    poll_interval_ = std::min(poll_interval_ * 2, kLongestPoll);
    next_poll_ = Clock::now() + poll_interval_;
  }
}

void Follower::take_job(const Answer& answer) {
  for (const std::string& row : answer.rows) {
    const auto detail = wire::decode_job_detail(row);
    if (!detail) {
      continue;
    }
    const auto now = Clock::now();
    for (const UnitProgress* unit : progress_.apply(*detail, now)) {
      tell(*unit, now);
    }
  }
}

void Follower::take_units(const Answer& answer) {
  states_.clear();
  const auto rows = decode_unit_rows(answer);
  if (rows) {
    for (const wire::UnitRow& row : *rows) {
      states_[row.unit] = row.state;
    }
  }
}

// A unit that has accepted is waited for as long as the station says that it is up: its command may
// well be silent. One that has not said a word is not, whatever the table says.
bool Follower::is_hopeless(const UnitProgress& unit, Clock::time_point now) const {
  const auto silent = between(std::max(unit.last_word, link_since_), now);
  if (unit.ended() || unit.given_up || silent < patience_.offline) {
    return false;
  }
  if (!unit.state) {
    return true;
  }
  const auto state = states_.find(unit.unit);
  if (state != states_.end()) {
    return state->second == wire::UnitState::down || state->second == wire::UnitState::never;
  }
  return patience_.running && silent >= *patience_.running + patience_.offline;
}

void Follower::give_up_silent_ones(Clock::time_point now) {
  for (const UnitProgress& unit : progress_.units()) {
    if (is_hopeless(unit, now)) {
      progress_.give_up(unit);
    }
  }
}

}  // namespace steward::ctl
