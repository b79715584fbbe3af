#include "subjects/wire/envelope.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/text.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/send.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

struct PublishArguments {
  std::string subject;
  std::string payload;
  std::vector<std::string> headers;
  bool sealed = false;
};

struct SubscribeArguments {
  std::string subject;
  std::string count;
};

Result<std::string> payload_of_argument(const std::string& argument) {
  if (argument == "-") {
    return read_input("-");
  }
  if (!argument.empty() && argument[0] == '@') {
    return read_input(argument.substr(1));
  }
  return argument;
}

Result<bus::Message> message_of(Session& session, const PublishArguments& arguments) {
  STEWARD_TRY(auto payload, payload_of_argument(arguments.payload));
  if (arguments.sealed) {
    STEWARD_TRY(auto subject, wire::Subject::parse(arguments.subject));
    const bool command = subject.kind == wire::Kind::command;
    wire::Envelope envelope = session.envelope(std::move(subject));
    if (command) {
      envelope.expires = envelope.time + wire::kDefaultExpiry;
    }
    return session.seal(envelope, std::move(payload));
  }
  bus::Message message{arguments.subject, {}, std::move(payload), {}};
  for (const std::string& header : arguments.headers) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos || colon == 0) {
      return failure(ErrorCode::bad_config, fmt::format("--header '{}': write NAME:VALUE", header));
    }
    const std::size_t value = header.find_first_not_of(' ', colon + 1);
    message.headers.add(header.substr(0, colon),
                        value == std::string::npos ? "" : header.substr(value));
  }
  return message;
}

Result<Exit> publish(Invocation& invocation, const PublishArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto message, message_of(*session, arguments));
  if (message.subject.find_first_of("*> \t\r\n") != std::string::npos || message.subject.empty()) {
    return failure(ErrorCode::bad_config,
                   fmt::format("'{}' is no subject to publish on", message.subject));
  }
  if (auto sent = session->publish(message); !sent) {
    return tl::unexpected<Error>(sent.error());
  }
  if (auto flushed = session->bus().flush(session->settings().timeout); !flushed) {
    return tl::unexpected<Error>(flushed.error());
  }
  if (const auto status = session->bus().status(); status.denials > 0) {
    return failure(ErrorCode::denied, status.last_error);
  }
  invocation.console.note(
      fmt::format("Published {} on {}", short_bytes(message.payload.size()), message.subject));
  return Exit::ok;
}

void print_message(Invocation& invocation, const bus::Message& message) {
  Console& console = invocation.console;
  if (invocation.format == Format::name) {
    console.out(message.subject + "\n");
    return;
  }
  if (!invocation.is_table()) {
    nlohmann::json headers = nlohmann::json::object();
    for (const auto& [name, value] : message.headers) {
      headers[name] = value;
    }
    nlohmann::json line{{"kind", "message"}, {"subject", message.subject}, {"headers", headers}};
    if (wire::is_utf8(message.payload)) {
      line["data"] = message.payload;
    } else {
      line["b64"] = wire::base64(message.payload);
    }
    console.out(wire::dump_json(line) + "\n");
    return;
  }
  const Style& style = console.look().out;
  std::string out = fmt::format("{}  {}\n",
                                style.paint(Paint::faint, clock_millis(wall_clock())),
                                style.paint(Paint::strong, message.subject));
  if (invocation.format == Format::wide) {
    for (const auto& [name, value] : message.headers) {
      out += style.paint(Paint::faint, fmt::format("  {}: {}", name, one_line(value))) + "\n";
    }
  }
  out += "  " + one_line(message.payload) + "\n";
  console.out(out);
}

Result<Exit> subscribe(Invocation& invocation, const SubscribeArguments& arguments) {
  const long long most = arguments.count.empty() ? 0 : std::atoll(arguments.count.c_str());
  if (!arguments.count.empty() && most < 1) {
    return failure(ErrorCode::bad_config, "--count: a number from 1");
  }
  STEWARD_TRY(const auto session, invocation.session());
  if (auto heard = session->listen(arguments.subject); !heard) {
    return failure(ErrorCode::bad_config, heard.error().message);
  }
  if (invocation.console.look().err_is_terminal) {
    invocation.console.note(fmt::format("Hearing {}, Ctrl-C ends.", arguments.subject));
  }
  long long seen = 0;
  while (!invocation.console.broken()) {
    if (session->wait(Clock::now() + std::chrono::seconds(60)) == Session::Woken::interrupted) {
      break;
    }
    for (const Delivery& delivery : session->take()) {
      print_message(invocation, delivery.message);
      if (++seen == most) {
        return Exit::ok;
      }
    }
  }
  return Exit::ok;
}

}  // namespace

Verbs bus_verbs() {
  return {
      {"bus pub",
       "publish one message, as it is",
       "Without --sealed it goes out bare, as any NATS client would send it; a bus that asks for\n"
       "signatures refuses such commands.",
       "stewardctl bus pub ship1.command.shellcommand.operatingsystem '{\"argv\":[\"w\"]}'\n"
       "stewardctl bus pub ship1.command.hello.agent '{}' --sealed",
       TakesCommand::no,
       [](Syntax& syntax) -> Action {
         const auto arguments = std::make_shared<PublishArguments>();
         syntax.positional("SUBJECT", arguments->subject, Syntax::Presence::required);
         syntax.positional("PAYLOAD|@FILE|-", arguments->payload, Syntax::Presence::optional);
         syntax.option("-H,--header", arguments->headers, "NAME:VALUE", "add a header (repeat)");
         syntax.flag("--sealed", arguments->sealed, "with all headers of the wire contract");
         return [arguments](Invocation& invocation) { return publish(invocation, *arguments); };
       }},
      {"bus sub",
       "print what comes on a subject; -o wide shows headers too",
       "",
       "stewardctl bus sub '>'\n"
       "stewardctl bus sub 'ship1.event.>' --count 10 -o jsonl",
       TakesCommand::no,
       [](Syntax& syntax) -> Action {
         const auto arguments = std::make_shared<SubscribeArguments>();
         syntax.positional("SUBJECT", arguments->subject, Syntax::Presence::required);
         syntax.option("--count", arguments->count, "N", "end after so many");
         return [arguments](Invocation& invocation) { return subscribe(invocation, *arguments); };
       }},
      doctor_verb()};
}

}  // namespace steward::ctl
