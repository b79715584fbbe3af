#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/send.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

struct AddArguments {
  std::string name;
  std::string user;
  std::string password_file;
  std::string token_file;
  std::string credentials;
  std::string certificate;
  std::string key;
  std::string ca;
  std::string signing_key;
  std::string cluster;
  std::string operator_id;
  std::string description;
  std::string confirm_over;
  bool use = false;
};

// Secrets come from files, never from the command line, where every process can read them.
Result<std::string> first_line(const std::string& path) {
  if (path.empty()) {
    return std::string();
  }
  STEWARD_TRY(const auto text, read_input(path));
  return text.substr(0, text.find('\n'));
}

Result<Exit> add(Invocation& invocation, const AddArguments& arguments) {
  Context context;
  Connection& connection = context.connection;
  context.description = arguments.description;
  connection.url = invocation.flags.server;
  connection.user = arguments.user;
  connection.credentials_file = arguments.credentials;
  connection.certificate_file = arguments.certificate;
  connection.key_file = arguments.key;
  connection.ca_file = arguments.ca;
  connection.station = invocation.flags.station;
  connection.signing_key = arguments.signing_key;
  connection.cluster = arguments.cluster;
  connection.operator_id = arguments.operator_id;
  connection.timeout = invocation.flags.timeout;
  if (connection.url.empty()) {
    return failure(ErrorCode::bad_config,
                   "--server is missing: stewardctl context add NAME --server nats://HOST:PORT");
  }
  if (connection.signing_key.empty() != connection.cluster.empty()) {
    return failure(ErrorCode::bad_config, "--signing-key and --cluster go together");
  }
  if (!arguments.confirm_over.empty()) {
    connection.confirm_over = static_cast<std::size_t>(std::atoll(arguments.confirm_over.c_str()));
  }
  STEWARD_TRY(connection.password, first_line(arguments.password_file));
  STEWARD_TRY(connection.token, first_line(arguments.token_file));
  if (auto saved = invocation.contexts.save(arguments.name, context); !saved) {
    return tl::unexpected<Error>(saved.error());
  }
  if (arguments.use) {
    if (auto selected = invocation.contexts.select(arguments.name); !selected) {
      return tl::unexpected<Error>(selected.error());
    }
  }
  invocation.console.note(fmt::format("Saved {}{}",
                                      invocation.contexts.file(arguments.name).string(),
                                      arguments.use ? ", in use now." : ""));
  return Exit::ok;
}

Result<Exit> list_contexts(Invocation& invocation) {
  Console& console = invocation.console;
  const std::string selected = invocation.contexts.selected();
  Table table({{""}, {"NAME"}, {"SERVER"}, {"DESCRIPTION"}});
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& name : invocation.contexts.names()) {
    const auto context = invocation.contexts.load(name);
    const std::string url = context ? context->connection.url : "";
    const std::string description = context ? context->description : context.error().message;
    all.push_back({{"name", name},
                   {"selected", name == selected},
                   {"url", url},
                   {"description", description}});
    table.add({{name == selected ? "*" : ""},
               {name, name == selected ? Paint::strong : Paint::plain},
               {url},
               {one_line(description), context ? Paint::plain : Paint::bad}});
  }
  if (invocation.format == Format::json) {
    console.out(all.dump(2) + "\n");
  } else if (invocation.format == Format::jsonl || invocation.format == Format::name) {
    for (const auto& context : all) {
      console.out((invocation.format == Format::name ? context["name"].get<std::string>()
                                                     : wire::dump_json(context)) +
                  "\n");
    }
  } else if (table.size() == 0) {
    console.note(
        "No contexts. Add one: stewardctl context add home --server nats://HOST:4222 --use");
  } else {
    console.out(table.render(console.look().out, console.width()));
  }
  return Exit::ok;
}

Result<Exit> use(Invocation& invocation, const std::string& name) {
  if (auto selected = invocation.contexts.select(name); !selected) {
    return failure(ErrorCode::bad_config, selected.error().message);
  }
  invocation.console.note(fmt::format("In use now: {}", name));
  return Exit::ok;
}

// Where stewardctl would go now, and why; secrets stay out.
Result<Exit> show_context(Invocation& invocation, const std::string& name) {
  if (!name.empty()) {
    invocation.flags.context = name;
  }
  STEWARD_TRY(const auto settings, invocation.settings());
  const Connection& connection = settings.connection;
  const auto hidden = [](const std::string& secret) {
    return std::string(secret.empty() ? "" : "(set)");
  };
  const std::vector<std::pair<std::string, std::string>> lines{
      {"server", connection.url},
      {"from", settings.origin},
      {"station", settings.station},
      {"user", connection.user},
      {"password", hidden(connection.password)},
      {"token", hidden(connection.token)},
      {"creds", connection.credentials_file},
      {"cert", connection.certificate_file},
      {"key", connection.key_file},
      {"ca", connection.ca_file},
      {"signing key", connection.signing_key},
      {"cluster", connection.cluster},
      {"operator", connection.operator_id},
      {"timeout", short_age(settings.timeout)},
      {"confirm_over", fmt::format("{}", settings.confirm_over)}};
  Table table({{""}, {""}});
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [key, value] : lines) {
    if (!value.empty()) {
      table.add({{key, Paint::faint}, {value}});
      object[key] = value;
    }
  }
  Console& console = invocation.console;
  console.out(invocation.is_table()
                  ? table.render(console.look().out, console.width(), Table::Titles::hidden)
                  : wire::dump_json(object) + "\n");
  return Exit::ok;
}

Result<Exit> remove(Invocation& invocation, const std::string& name) {
  if (auto removed = invocation.contexts.remove(name); !removed) {
    return failure(ErrorCode::bad_config, removed.error().message);
  }
  invocation.console.note(fmt::format("Removed {}", name));
  return Exit::ok;
}

Action declare_add(Syntax& syntax) {
  const auto arguments = std::make_shared<AddArguments>();
  syntax.positional("NAME", arguments->name, Syntax::Presence::required);
  syntax.option("--user", arguments->user, "NAME", "log in as");
  syntax.option("--password-file", arguments->password_file, "FILE", "its first line; - is stdin");
  syntax.option("--token-file", arguments->token_file, "FILE", "its first line; - is stdin");
  syntax.option("--creds", arguments->credentials, "FILE", "credentials file of NATS");
  syntax.option("--cert", arguments->certificate, "FILE", "our certificate");
  syntax.option("--key", arguments->key, "FILE", "its key");
  syntax.option("--ca", arguments->ca, "FILE", "who signs the broker's certificate");
  syntax.option("--signing-key", arguments->signing_key, "FILE", "our own, to sign commands with");
  syntax.option("--cluster", arguments->cluster, "NAME", "what is signed is for it alone");
  syntax.option("--operator", arguments->operator_id, "ID", "who the policy says has that key");
  syntax.option("--description", arguments->description, "TEXT", "for context ls");
  syntax.option("--confirm-over", arguments->confirm_over, "N", "ask before more units (20)");
  syntax.flag("--use", arguments->use, "use it from now on");
  return [arguments](Invocation& invocation) { return add(invocation, *arguments); };
}

template <Result<Exit> (*action)(Invocation&, const std::string&), Syntax::Presence presence>
Action declare_named(Syntax& syntax) {
  const auto name = std::make_shared<std::string>();
  syntax.positional("NAME", *name, presence);
  return [name](Invocation& invocation) { return action(invocation, *name); };
}

}  // namespace

Verbs context_verbs() {
  using Presence = Syntax::Presence;
  return {
      {"context ls",
       "the connections that were saved",
       "",
       "stewardctl context\nstewardctl context ls -o name",
       TakesCommand::no,
       [](Syntax&) -> Action {
         return [](Invocation& invocation) { return list_contexts(invocation); };
       }},
      {"context add",
       "save a connection under a name",
       "In the nats tool's format, below $XDG_CONFIG_HOME/steward/context, readable by you only.",
       "stewardctl context add home --server nats://10.0.0.2:4222 --use\n"
       "stewardctl context add sea --server tls://sea:4222 --creds sea.creds",
       TakesCommand::no,
       declare_add},
      {"context use",
       "take this connection from now on",
       "",
       "stewardctl context use home",
       TakesCommand::no,
       declare_named<use, Presence::required>},
      {"context show",
       "where stewardctl goes now, and why",
       "",
       "stewardctl context show\nstewardctl context show home",
       TakesCommand::no,
       declare_named<show_context, Presence::optional>},
      {"context rm",
       "forget a connection",
       "",
       "stewardctl context rm home",
       TakesCommand::no,
       declare_named<remove, Presence::required>}};
}

}  // namespace steward::ctl
