#include "steward/summary.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::station::summary_test {
namespace {

TEST_CASE("summary: a program is shown as one types it") {
  CHECK(describe(R"({"argv":["uname","-a"]})").summary == "uname -a");
  CHECK(describe(R"({"argv":["sh","-c","echo it's"]})").summary == "sh -c 'echo it'\\''s'");
  CHECK(describe(R"({"argv":["echo",""]})").summary == "echo ''");
  CHECK(describe(R"({"shell":"a\nb\t\u0007"})").summary == "a b  ");
  CHECK(describe(R"({"op":"cancel","ref":"01J"})").summary == "cancel 01J");
  CHECK(describe(R"({"unit":"nginx"})").summary == R"({"unit":"nginx"})");
  CHECK(describe("{").summary == "{");
}

TEST_CASE("summary: a long line is cut between characters") {
  std::string script;
  for (int i = 0; i < 300; ++i) {
    script += "ä";
  }
  const auto summary = describe(R"({"shell":")" + script + "\"}").summary;
  CHECK(summary.size() <= 200);
  CHECK(summary.substr(summary.size() - 5) == "ä...");
}

TEST_CASE("summary: values of secrets are not kept") {
  const auto payload =
      R"({"argv":["x"],"env":{"TOKEN":"hunter2","LANG":"C"},"secret_env":["TOKEN"]})";
  const auto described = describe(payload);
  CHECK(described.payload.find("hunter2") == std::string::npos);
  CHECK(described.payload.find("\"LANG\":\"C\"") != std::string::npos);
}

TEST_CASE("summary: a secret in a payload that cannot be read is not kept either") {
  CHECK(describe(R"({"env":{"TOKEN":"hunter2"},"secret_env":["TOKEN"])").payload.empty());
  CHECK(describe(R"({"env":{"TOKEN":"hunter2"},"secret_env":["TOKEN"])").summary == "(unreadable)");
  CHECK(describe(R"({"env":{"TOKEN":"hunter2"},"secret_env":"TOKEN"})").payload.find("hunter2") ==
        std::string::npos);
}

}  // namespace
}  // namespace steward::station::summary_test
