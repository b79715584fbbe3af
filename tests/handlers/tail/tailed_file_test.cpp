#include "handlers/tail/tailed_file.hpp"

#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace steward::handlers::tail::tailed_file_test {
namespace {

struct Room {
  tests::TemporaryFolder folder;
  std::string path = (folder.path() / "log" / "app.log").string();
  std::vector<std::string> allowed{(folder.path() / "log").string()};

  Room() { std::filesystem::create_directories(allowed.front()); }

  void write(const std::string& text) const { std::ofstream(path, std::ios::app) << text; }

  std::unique_ptr<TailedFile> open(std::size_t lines) const {
    auto tailed = TailedFile::open(allowed, path, lines);
    REQUIRE_MESSAGE(tailed, tailed.error().text());
    return *std::move(tailed);
  }
};

std::string read_all(TailedFile& tailed, std::string* notice = nullptr) {
  std::string data;
  for (bool more = true; more;) {
    auto piece = tailed.read();
    REQUIRE(piece);
    data += piece->data;
    if (notice != nullptr) {
      *notice += piece->notice;
    }
    more = piece->more;
  }
  return data;
}

}  // namespace

TEST_CASE("tail: so many lines before the end, and what is added, in whole lines") {
  const Room room;
  room.write("1\n2\n3\n");
  CHECK(read_all(*room.open(0)) == "");
  CHECK(read_all(*room.open(1)) == "3\n");
  CHECK(read_all(*room.open(2)) == "2\n3\n");
  CHECK(read_all(*room.open(9)) == "1\n2\n3\n");
  const auto tailed = room.open(1);
  CHECK(read_all(*tailed) == "3\n");
  room.write("4\nha");
  CHECK(read_all(*tailed) == "4\n");
  room.write("lf\n");
  CHECK(read_all(*tailed) == "half\n");
}

TEST_CASE("tail: the last lines of a file longer than a block") {
  const Room room;
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += "line " + std::to_string(i) + "\n";
  }
  room.write(text);
  const auto data = read_all(*room.open(10'000));
  CHECK(data.starts_with("line 10000\n"));
  CHECK(data.ends_with("line 19999\n"));
}

TEST_CASE("tail: a file that is renamed is read to its end, then the new one; cut off, anew") {
  const Room room;
  room.write("1\n");
  const auto tailed = room.open(5);
  CHECK(read_all(*tailed) == "1\n");
  room.write("2\n");
  std::filesystem::rename(room.path, room.path + ".1");
  room.write("3\n");
  std::string notice;
  CHECK(read_all(*tailed, &notice) == "2\n");
  CHECK(read_all(*tailed, &notice) == "3\n");
  CHECK(notice.find("a new file") != std::string::npos);
  std::ofstream(room.path, std::ios::trunc).close();
  notice.clear();
  CHECK(read_all(*tailed, &notice) == "");
  CHECK(notice.find("cut off") != std::string::npos);
  room.write("4\n");
  CHECK(read_all(*tailed) == "4\n");
}

TEST_CASE("tail: nothing outside of the folders, by whatever way") {
  const Room room;
  const auto outside = (room.folder.path() / "secret").string();
  std::ofstream(outside) << "secret\n";
  std::filesystem::create_symlink(outside, room.allowed.front() + "/link");
  std::filesystem::create_directory_symlink(room.folder.path(), room.allowed.front() + "/up");
  for (const auto& path : {outside,
                           room.allowed.front() + "/link",
                           room.allowed.front() + "/up/secret",
                           room.allowed.front() + "/../secret",
                           room.allowed.front() + "er/secret",
                           room.allowed.front(),
                           room.allowed.front() + "/",
                           std::string("secret")}) {
    CAPTURE(path);
    const auto tailed = TailedFile::open(room.allowed, path, 1);
    REQUIRE(!tailed);
    CHECK(tailed.error().code == ErrorCode::permission);
  }
  const auto missing = TailedFile::open(room.allowed, room.allowed.front() + "/none", 1);
  REQUIRE(!missing);
  CHECK(missing.error().code == ErrorCode::not_found);
}

}  // namespace steward::handlers::tail::tailed_file_test
