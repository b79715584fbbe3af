#include "handlers/runtime/crash_notes.hpp"

#include "handlers/runtime/fd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>
#include <tuple>

namespace steward::runtime {

// As it lies in the file; nothing in it is trusted when it is read.
struct CrashNotes::Slot {
  std::array<char, 26> id;
  std::uint8_t crashes;
  std::uint8_t busy;   // in the hands of the handler
  std::uint32_t used;  // when it was taken, in calls
};

struct CrashNotes::Page {
  static constexpr std::size_t kSlots = 16;

  std::array<char, 8> mark;  // of the format
  std::uint32_t calls;
  std::array<Slot, kSlots> slots;
};

namespace {

constexpr std::string_view kMark = "notes 1\n";

}  // namespace

CrashNotes::CrashNotes() : page_(new Page{}) {}

CrashNotes::~CrashNotes() {
  if (mapped_) {
    ::munmap(page_, sizeof(Page));
  } else {
    delete page_;
  }
}

Result<void> CrashNotes::open(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);  // open() says what is wrong
  const Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) {
    return tl::unexpected(system_error(errno, "open " + file.string()));
  }
  // Its block is made now: a page without one, on a full disk, ends the process when it is written.
  if (const int failed = ::posix_fallocate(fd.get(), 0, sizeof(Page)); failed != 0) {
    return tl::unexpected(system_error(failed, "make room for " + file.string()));
  }
  void* memory = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) {
    return tl::unexpected(system_error(errno, "map " + file.string()));
  }
  delete page_;
  page_ = static_cast<Page*>(memory);
  mapped_ = true;
  if (std::string_view(page_->mark.data(), page_->mark.size()) != kMark) {
    *page_ = Page{};
    std::copy(kMark.begin(), kMark.end(), page_->mark.begin());
  }
  for (auto& slot : page_->slots) {
    if (slot.busy != 0) {
      slot.busy = 0;
      slot.crashes = static_cast<std::uint8_t>(std::min(slot.crashes + 1, 100));
    }
  }
  return {};
}

CrashNotes::Slot* CrashNotes::find(const wire::MessageId& id) const {
  const auto at = std::find_if(page_->slots.begin(), page_->slots.end(), [&id](const Slot& slot) {
    return std::string_view(slot.id.data(), slot.id.size()) == id.view();
  });
  return at == page_->slots.end() ? nullptr : &*at;
}

int CrashNotes::crashes(const wire::MessageId& id) const {
  const Slot* slot = find(id);
  return slot == nullptr ? 0 : slot->crashes;
}

// The slot of that command; else the one that says nothing, or that says least and longest ago.
std::size_t CrashNotes::take(const wire::MessageId& id) {
  Slot* slot = find(id);
  if (slot == nullptr) {
    slot = &*std::min_element(
        page_->slots.begin(), page_->slots.end(), [](const Slot& one, const Slot& other) {
          return std::tuple(one.busy, one.crashes > 0, one.used) <
                 std::tuple(other.busy, other.crashes > 0, other.used);
        });
    slot->crashes = 0;
    std::copy(id.view().begin(), id.view().end(), slot->id.begin());
  }
  slot->used = ++page_->calls;
  slot->busy = 1;
  return static_cast<std::size_t>(slot - page_->slots.data());
}

CrashNotes::Call::Call(CrashNotes& notes, const wire::MessageId& id)
    : notes_(notes), slot_(notes.take(id)), exceptions_(std::uncaught_exceptions()) {}

CrashNotes::Call::~Call() {
  auto& slot = notes_.page_->slots[slot_];
  slot.busy = 0;
  if (std::uncaught_exceptions() > exceptions_) {
    slot.crashes = static_cast<std::uint8_t>(std::min(slot.crashes + 1, 100));
  }
}

}  // namespace steward::runtime
