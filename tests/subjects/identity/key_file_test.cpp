#include "subjects/identity/key_file.hpp"

#include "subjects/identity/pem.hpp"
#include "tests/subjects/identity/identities.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>

namespace steward::identity::key_file_test {
namespace {

using tests::contents;
using tests::fixed_key;
using tests::Folder;

AskPassphrase answers(std::string text) {
  return [text = std::move(text)]() -> Result<Secret> { return Secret::copy_of(text); };
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat facts {};

  return stat(path.c_str(), &facts) == 0 ? facts.st_mode & 07777 : 0;
}

std::size_t count_files(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("key file: a plain key is PKCS#8 that openssl reads, 0600, and comes back") {
  const Folder folder;
  const auto key = fixed_key(3);
  REQUIRE(write_key_file(folder / "message.key", key, Existing::keep));
  CHECK(mode_of(folder / "message.key") == 0600);
  CHECK(tests::is_golden("message.key", contents(folder / "message.key")));
  CHECK(read_key_file(folder / "message.key", &no_passphrase).value().public_key() ==
        key.public_key());
  const auto said =
      tests::run("openssl pkey -noout -text -in " + (folder / "message.key").string());
  CHECK(said.exit_code == 0);
  CHECK(said.text.find("ED25519 Private-Key") != std::string::npos);
  CHECK(count_files(folder.path()) == 1);
}

TEST_CASE("key file: openssl's own Ed25519 keys are taken, its others are not") {
  const Folder folder;
  const auto made = [&](const std::string& algorithm) {
    const auto path = folder / "made.key";
    REQUIRE(
        tests::run("umask 077; openssl genpkey -algorithm " + algorithm + " -out " + path.string())
            .exit_code == 0);
    return read_key_file(path, &no_passphrase);
  };
  CHECK(made("ed25519"));
  CHECK(made("ed448").error().code == ErrorCode::bad_payload);
  CHECK(made("x25519").error().code == ErrorCode::bad_payload);
  CHECK(made("EC -pkeyopt ec_paramgen_curve:P-256").error().code == ErrorCode::bad_payload);
}

TEST_CASE("key file: an encrypted key opens by its passphrase alone, here and for openssl") {
  const Folder folder;
  const auto key = fixed_key(4);
  const auto path = folder / "anna.key";
  const auto passphrase = Secret::copy_of("correct horse");
  REQUIRE(write_key_file(path, key, passphrase, Existing::keep));
  CHECK(mode_of(path) == 0600);
  CHECK(contents(path).starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
  CHECK(read_key_file(path, answers("correct horse")).value().public_key() == key.public_key());
  CHECK(read_key_file(path, answers("correct horsf")).error().code == ErrorCode::denied);
  CHECK(read_key_file(path, answers("")).error().code == ErrorCode::denied);
  CHECK(read_key_file(path, &no_passphrase).error().code == ErrorCode::denied);
  const auto said =
      tests::run("openssl pkey -noout -text -passin 'pass:correct horse' -in " + path.string());
  CHECK(said.exit_code == 0);
  CHECK(encode_key(key, Secret()).error().code == ErrorCode::bad_config);
}

TEST_CASE("key file: a file that asks for other work than ours is refused before it is done") {
  const Folder folder;
  const auto plain = folder / "plain.key";
  REQUIRE(write_key_file(plain, fixed_key(5), Existing::keep));
  bool asked = false;
  const AskPassphrase ask = [&asked]() -> Result<Secret> {
    asked = true;
    return Secret::copy_of("x");
  };
  for (const auto* options : {"-v2 aes-256-cbc -iter 1000000",
                              "-scrypt",
                              "-scrypt -scrypt_N 1048576",
                              "-v1 PBE-SHA1-3DES"}) {
    CAPTURE(options);
    const auto other = folder / "other.key";
    REQUIRE(tests::run("umask 077; openssl pkcs8 -topk8 -passout pass:x -in " + plain.string() +
                       " -out " + other.string() + " " + options)
                .exit_code <= 1);
    const auto text = contents(other);
    CHECK(decode_key(text, ask).error().code == ErrorCode::bad_payload);
    CHECK_FALSE(asked);
  }
}

TEST_CASE("key file: what others can read or write is refused, and so is what is no file") {
  const Folder folder;
  const auto path = folder / "ca.key";
  REQUIRE(write_key_file(path, fixed_key(6), Existing::keep));
  for (const mode_t mode : {0640, 0604, 0660, 0644, 0601, 0666}) {
    REQUIRE(chmod(path.c_str(), mode) == 0);
    CHECK(read_key_file(path, &no_passphrase).error().code == ErrorCode::permission);
  }
  REQUIRE(chmod(path.c_str(), 0400) == 0);
  CHECK(read_key_file(path, &no_passphrase));
  CHECK(read_key_file(folder.path(), &no_passphrase).error().code == ErrorCode::bad_config);
  CHECK(read_key_file(folder / "none", &no_passphrase).error().code == ErrorCode::not_found);
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(read_key_file(folder / "pipe", &no_passphrase).error().code == ErrorCode::bad_config);
  std::ofstream(folder / "large") << std::string(kLargestFile + 1, 'x');
  CHECK(read_file(folder / "large").error().code == ErrorCode::too_large);
}

TEST_CASE("key file: a key that is there is kept unless it is to be replaced") {
  const Folder folder;
  const auto path = folder / "message.key";
  REQUIRE(write_key_file(path, fixed_key(1), Existing::keep));
  CHECK(write_key_file(path, fixed_key(2), Existing::keep).error().code == ErrorCode::conflict);
  CHECK(read_key_file(path, &no_passphrase).value().public_key() == fixed_key(1).public_key());
  CHECK(write_key_file(path, fixed_key(2), Existing::replace));
  CHECK(read_key_file(path, &no_passphrase).value().public_key() == fixed_key(2).public_key());
  CHECK(write_key_file(folder / "none/message.key", fixed_key(1), Existing::keep).error().code ==
        ErrorCode::not_found);
  CHECK(count_files(folder.path()) == 1);
}

TEST_CASE("key file: a new key replaces one that others could read with a file that they cannot") {
  const Folder folder;
  std::ofstream(folder / "old") << "x";
  REQUIRE(chmod((folder / "old").c_str(), 0666) == 0);
  REQUIRE(write_file(folder / "old", "new", Access::owner_only, Existing::replace));
  CHECK(mode_of(folder / "old") == 0600);
  REQUIRE(write_file(folder / "public", "new", Access::everybody, Existing::replace));
  CHECK(mode_of(folder / "public") == 0644);
}

TEST_CASE("pem: whatever is not exactly the blocks that are meant is refused") {
  const auto good = std::string(encode_pem("THING", "some bytes").value().view());
  CHECK(good == "-----BEGIN THING-----\nc29tZSBieXRlcw==\n-----END THING-----\n");
  CHECK(decode_pem(good, 1).value().front().der.view() == "some bytes");
  CHECK(decode_pem("\r\n" + good + "\r\n" + good, 2).value().size() == 2);
  const std::string long_bytes(200, 'x');
  const auto long_text = std::string(encode_pem("LONG", long_bytes).value().view());
  CHECK(decode_pem(long_text, 1).value().front().der.view() == long_bytes);
  for (const std::string& bad :
       {std::string(),
        good + good,
        good + "x",
        "x" + good,
        good.substr(0, good.size() - 8),
        std::string("-----BEGIN -----\nYQ==\n-----END -----\n"),
        std::string("-----BEGIN THING-----\n-----END THING-----\n"),
        std::string("-----BEGIN THING-----\nYQ==\n-----END OTHER-----\n"),
        std::string("-----BEGIN THING-----\nYQ=\n-----END THING-----\n"),
        std::string("-----BEGIN THING-----\nY===\n-----END THING-----\n"),
        std::string("-----BEGIN THING-----\nYQ==YQ==\n-----END THING-----\n"),
        std::string(
            "-----BEGIN THING-----\nProc-Type: 4,ENCRYPTED\n\nYQ==\n-----END THING-----\n")}) {
    CAPTURE(bad);
    CHECK(decode_pem(bad, 1).error().code == ErrorCode::bad_payload);
  }
}

}  // namespace steward::identity::key_file_test
