#include "subjects/wire/subject.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::subject_test {

TEST_CASE("subject: node, kind, method and domain, and back to the same text") {
  const auto subject = Subject::parse("ship1.event.syslogforwarding.nginx").value();
  CHECK(subject.node.value().str() == "ship1");
  CHECK(subject.kind == Kind::event);
  CHECK(subject.method.str() == "syslogforwarding");
  CHECK(subject.domain.str() == "nginx");
  CHECK_FALSE(subject.is_broadcast());
  CHECK(subject.str() == "ship1.event.syslogforwarding.nginx");
  CHECK(word(Kind::command) == "command");
  CHECK(word(Kind::event) == "event");
}

TEST_CASE("subject: @all is for commands") {
  const auto subject = Subject::parse("@all.command.hello.agent").value();
  CHECK(subject.is_broadcast());
  CHECK(subject.str() == "@all.command.hello.agent");
  CHECK(Subject::parse("@all.event.hello.agent").error().code == ErrorCode::bad_subject);
}

TEST_CASE("subject: anything but four tokens is refused") {
  for (const char* bad : {"",
                          ".",
                          "...",
                          "....",
                          "ship1",
                          "ship1.command",
                          "ship1.command.a",
                          "ship1.command.a.b.c",
                          ".command.a.b",
                          "ship1..a.b",
                          "ship1.command..b",
                          "ship1.command.a.",
                          "ship1.command.a.b.",
                          ".ship1.command.a.b"}) {
    CAPTURE(bad);
    CHECK(Subject::parse(bad).error().code == ErrorCode::bad_subject);
  }
}

TEST_CASE("subject: a bad token in any place is refused") {
  for (const char* bad : {"Ship1.command.a.b",
                          "*.command.a.b",
                          "@any.command.a.b",
                          "ship1.Command.a.b",
                          "ship1.commands.a.b",
                          "ship1.*.a.b",
                          "ship1.command.*.b",
                          "ship1.command.a.>",
                          "ship1.command.a b.c",
                          "ship1.command.a.b\n",
                          "ship1.command.a\t.b",
                          "ship1.command.a.\xff"}) {
    CAPTURE(bad);
    CHECK(Subject::parse(bad).error().code == ErrorCode::bad_subject);
  }
  CHECK_FALSE(Subject::parse(std::string("ship1.command.a.b\0", 18)).has_value());
}

TEST_CASE("subject: every byte that is not of a token is refused in method and domain") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
    CAPTURE(byte);
    CHECK(Subject::parse(std::string("s.command.x") + c + ".d").has_value() == good);
    CHECK(Subject::parse(std::string("s.command.m.x") + c).has_value() == good);
  }
}

TEST_CASE("subject: the longest one is 201 bytes, one more in any token is refused") {
  const std::string node(63, 'n');
  const std::string token(64, 't');
  CHECK(Subject::parse(node + ".command." + token + "." + token).value().str().size() == 201);
  CHECK(Subject::parse(node + "n.command.t.t").error().code == ErrorCode::bad_subject);
  CHECK(Subject::parse("n.command." + token + "t.t").error().code == ErrorCode::bad_subject);
  CHECK(Subject::parse("n.command.t." + token + "t").error().code == ErrorCode::bad_subject);
  CHECK(Subject::parse(std::string(1 << 20, '.')).error().code == ErrorCode::bad_subject);
}

}  // namespace steward::wire::subject_test
