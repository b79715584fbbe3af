#include "tools/stewardctl/event_text.hpp"

#include "subjects/wire/ack.hpp"
#include "subjects/wire/hello.hpp"
#include "subjects/wire/shellcommand.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/unit_output.hpp"

#include <fmt/format.h>

namespace steward::ctl {

namespace {

std::string hello_text(const wire::Hello& hello) {
  return fmt::format("{}{}up {}, rtt {}, {} handlers{}",
                     hello.first ? "connected, " : "",
                     hello.bye ? "bye, " : "",
                     short_age(hello.uptime),
                     short_rtt(hello.rtt),
                     hello.handlers.size(),
                     hello.outbox_depth > 0 ? fmt::format(", outbox {}", hello.outbox_depth) : "");
}

std::string ack_text(const wire::Ack& ack) {
  std::string out = fmt::format("{} {}", ack.ref.view(), wire::word(ack.state));
  if (const auto result = program_result(ack.result); result && result->exit_code) {
    out += fmt::format(" exit {}", *result->exit_code);
  }
  for (const std::string& part : {ack.code, ack.message}) {
    if (!part.empty()) {
      out += ": " + one_line(part);
    }
  }
  return out;
}

std::string shell_text(const wire::ShellEvent& event) {
  if (event.type != wire::ShellEventType::output) {
    return fmt::format("{} {}", event.ref.view(), wire::word(event.type));
  }
  std::string_view text = event.bytes;
  while (!text.empty() && text.back() == '\n') {
    text.remove_suffix(1);
  }
  return fmt::format("{} {}: {}", event.ref.view(), event.fd == 2 ? "err" : "out", one_line(text));
}

}  // namespace

std::string event_summary(const wire::Subject& subject, std::string_view payload) {
  const std::string& method = subject.method.str();
  if (method == "hello") {
    if (const auto hello = wire::decode_hello(payload); hello) {
      return hello_text(*hello);
    }
  } else if (method == "ack") {
    if (const auto ack = wire::decode_ack(payload); ack) {
      return ack_text(*ack);
    }
  } else if (method == "shellcommand") {
    if (const auto event = wire::decode_shell_event(payload); event) {
      return shell_text(*event);
    }
  }
  return one_line(payload);
}

EventPattern parse_event_pattern(std::string_view text) {
  if (text.empty()) {
    return {"*.event.>", ""};
  }
  // Units never hold a dot; a list or glob of them never holds '>'.
  const bool is_subject = text.find('.') != std::string_view::npos || text.back() == '>';
  if (is_subject) {
    const std::string node(text.substr(0, text.find('.')));
    return {std::string(text), node == "*" || node == ">" ? "" : node};
  }
  const bool one_name = wire::NodeName::parse(text).has_value();
  return {one_name ? fmt::format("{}.event.>", text) : "*.event.>", std::string(text)};
}

}  // namespace steward::ctl
