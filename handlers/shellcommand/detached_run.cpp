#include "handlers/shellcommand/detached_run.hpp"

#include "handlers/runtime/kept_file.hpp"
#include "handlers/runtime/shim_output.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

// In one turn of the loop: others wait meanwhile.
constexpr int kPiecesInOneTurn = 8;

}  // namespace

DetachedRun::DetachedRun(runtime::Context& context,
                         std::string& buffer,
                         JobStreams& streams,
                         std::filesystem::path folder,
                         Listener listener)
    : context_(context),
      buffer_(buffer),
      streams_(streams),
      folder_(std::move(folder)),
      listener_(std::move(listener)),
      reading_(context.loop, [this] { read_some(); }) {}

Result<void> DetachedRun::start(const std::string& shim,
                                runtime::ShimRequest request,
                                const std::string* input) {
  request.folder = folder_;
  if (input != nullptr) {
    request.input_file = folder_ / "input";
    if (auto saved = runtime::save_kept(request.input_file, *input); !saved) {
      return saved;
    }
  }
  STEWARD_TRY(
      shim_,
      runtime::Shim::start(context_.loop, context_.processes, shim, request, shim_listener()));
  return {};
}

void DetachedRun::adopt(const std::string& job) {
  adopted_ = true;
  shim_ = runtime::Shim::adopt(context_.loop, folder_, job, shim_listener());
}

// The end is told once all that was said before it has been read.
runtime::Shim::Listener DetachedRun::shim_listener() {
  return {[this](pid_t) { listener_.started(); },
          [this](const Error& error) { listener_.failed(error); },
          nullptr,
          nullptr,
          [this](int number, std::uint64_t total) { output(number, total); },
          [this](const runtime::ShimEnd& end) {
            for (int number = 1; number <= 2; ++number) {
              const auto there = runtime::read_shim_output(folder_, number, 0, 0);
              output(number, there ? there->total : 0);
            }
            then_ = [this, end] { listener_.exited(end); };
            reading_.start(std::chrono::milliseconds(0));
          },
          [this] {
            auto before = std::exchange(then_, nullptr);
            then_ = [this, before] {
              if (before) {
                before();
              }
              listener_.gone();
            };
            reading_.start(std::chrono::milliseconds(0));
          },
          [this] { listener_.lost(); }};
}

void DetachedRun::output(int number, std::uint64_t total) {
  Stream& stream = read_[number == 2 ? 1 : 0];
  if (!std::exchange(stream.known, true) && adopted_) {
    stream.past = total;
  }
  stream.total = std::max(stream.total, total);
  reading_.start(std::chrono::milliseconds(0));
}

void DetachedRun::read_some() {
  for (int i = 0; i < kPiecesInOneTurn; ++i) {
    const bool more_out = read_piece(1);
    const bool more_err = read_piece(2);
    if (!more_out && !more_err) {
      if (then_) {
        std::exchange(then_, nullptr)();
      }
      return;
    }
  }
  reading_.start(std::chrono::milliseconds(0));
}

bool DetachedRun::read_piece(int number) {
  Stream& stream = read_[number == 2 ? 1 : 0];
  if (stream.read >= stream.total) {
    return false;
  }
  const std::uint64_t end =
      stream.read < stream.past ? std::min(stream.past, stream.total) : stream.total;
  const auto most = std::min<std::uint64_t>(end - stream.read, buffer_.size());
  auto piece = runtime::read_shim_output(folder_, number, stream.read, most);
  if (!piece || piece->bytes.empty()) {  // the disk, or what was said is gone
    streams_.skip(number, stream.total - stream.read);
    stream.read = stream.total;
    return false;
  }
  if (piece->offset > stream.read) {
    streams_.skip(number, piece->offset - stream.read);
  }
  if (piece->offset < stream.past) {
    streams_.take_past(number, piece->bytes);
  } else {
    streams_.take(number, piece->bytes);
  }
  stream.read = piece->offset + piece->bytes.size();
  return stream.read < stream.total;
}

}  // namespace steward::handlers::shellcommand
