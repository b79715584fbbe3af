#include "subjects/bus/audit_log.hpp"
#include "subjects/identity/audit_chain.hpp"
#include "subjects/identity/files.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <functional>

namespace steward::ctl {

namespace {

namespace fs = std::filesystem;

struct AuditArguments {
  std::string file;
  std::string key;
};

// A key as text, or the first line of a file.
Result<std::optional<identity::PublicKey>> key_in(const std::string& said) {
  if (said.empty()) {
    return std::nullopt;
  }
  std::error_code error;
  std::string text = said;
  if (fs::exists(said, error)) {
    STEWARD_TRY(text, identity::read_file(said));
  }
  auto key = identity::PublicKey::parse(text.substr(0, text.find('\n')));
  if (!key) {
    return failure(ErrorCode::bad_config, "--key: " + key.error().message);
  }
  return std::optional(*std::move(key));
}

// The file or, of a folder, its audit; with the older ones beside it, the oldest first.
Result<std::vector<fs::path>> files_of(const std::string& said) {
  std::error_code error;
  fs::path file = said;
  if (fs::is_directory(file, error)) {
    file /= "audit.log";
  }
  auto files = bus::audit_files(file);
  if (files.empty()) {
    return failure(ErrorCode::bad_config, file.string() + ": there is no such file");
  }
  return files;
}

using Take = std::function<void(const identity::AuditRecord& record, const std::string& line)>;

// Errors: conflict, where the chain does not hold, with the place.
Result<void> read_audit(const std::vector<fs::path>& files,
                        identity::AuditReader& reader,
                        const Take& take) {
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      const bool torn = in.eof();
      auto record = reader.take(line);
      if (!record && torn && file == files.back()) {
        return {};  // being written just now
      }
      if (!record) {
        return failure(record.error().code,
                       fmt::format("{}:{}: {}", file.string(), number, record.error().message));
      }
      take(*record, line);
    }
    if (in.bad() || number == 0) {
      return failure(ErrorCode::bad_config, file.string() + " cannot be read, or is empty");
    }
  }
  return {};
}

// What nobody can have altered unseen ends with the last seal; the rest is said with its number.
std::string seals_text(const identity::AuditReader& reader,
                       const std::optional<identity::PublicKey>& key) {
  const auto& end = reader.end();
  const auto by =
      key ? " by " + key->fingerprint() : " (no --key: the seals' signatures were not checked)";
  if (end.sealed == 0) {
    return fmt::format("nothing sealed{}: all of it may have been altered or cut off", by);
  }
  const auto open = end.number - end.sealed - 1;  // the seal itself is a record
  return fmt::format("sealed up to {}{}{}",
                     end.sealed,
                     by,
                     open == 0
                         ? std::string()
                         : fmt::format("; the last {} not: they may have been altered", open));
}

Result<Exit> verify_audit(Invocation& invocation, const AuditArguments& arguments) {
  STEWARD_TRY(const auto key, key_in(arguments.key));
  STEWARD_TRY(const auto files, files_of(arguments.file));
  identity::AuditReader reader(key);
  auto held = read_audit(files, reader, [](const auto&, const auto&) {});
  if (!held && held.error().code != ErrorCode::bad_config) {
    invocation.console.error(held.error().message);
    return Exit::failed;
  }
  if (!held) {
    return tl::unexpected<Error>(std::move(held).error());
  }
  invocation.console.out(fmt::format("whole: records {} to {}, {}\n",
                                     reader.first(),
                                     reader.end().number,
                                     seals_text(reader, key)));
  // With a key it is asked what that one stands for: here, for nothing.
  return key && reader.end().sealed == 0 ? Exit::failed : Exit::ok;
}

Result<Exit> list_audit(Invocation& invocation, const AuditArguments& arguments) {
  STEWARD_TRY(const auto files, files_of(arguments.file));
  identity::AuditReader reader;
  Table table({{"AT"}, {"KIND"}, {"VERDICT"}, {"BY"}, {"UNIT"}, {"WHAT"}, {"ID"}});
  std::string lines;
  const auto held =
      read_audit(files, reader, [&](const identity::AuditRecord& record, const std::string& line) {
        if (!invocation.is_table()) {
          lines += line.substr(line.find(' ') + 1) + "\n";
        } else if (record.kind != "seal") {
          table.add({{date_time(record.at)},
                     {record.kind},
                     {record.verdict},
                     {record.by},
                     {record.unit},
                     {one_line(record.summary.empty() ? record.subject : record.summary)},
                     {record.id}});
        }
      });
  invocation.console.out(invocation.is_table() ? table.render(invocation.console.look().out,
                                                              invocation.console.width())
                                               : lines);
  if (!held) {
    invocation.console.error(held.error().message);
    return Exit::failed;
  }
  return Exit::ok;
}

Action with_file(Syntax& syntax,
                 Result<Exit> (*act)(Invocation&, const AuditArguments&),
                 bool has_key) {
  const auto arguments = std::make_shared<AuditArguments>();
  syntax.positional("FILE", arguments->file, Syntax::Presence::required);
  if (has_key) {
    syntax.option("--key", arguments->key, "KEY", "whose seals have to hold: message.pub");
  }
  return [arguments, act](Invocation& invocation) { return act(invocation, *arguments); };
}

}  // namespace

Verbs audit_verbs() {
  return {{"audit ls",
           "who asked what, the verdict, and the outcome",
           "FILE is audit.log of a unit's or station's state directory, or that directory;\n"
           "older ones beside it (audit.log.1) are read first.",
           "stewardctl audit ls /var/lib/steward-edge\n"
           "stewardctl audit ls audit.log -o jsonl",
           TakesCommand::no,
           [](Syntax& syntax) -> Action { return with_file(syntax, list_audit, false); }},
          {"audit verify",
           "whether a record is missing or was altered",
           "Each record is tied to all before it, and sealed by the key of whoever keeps\n"
           "them within two minutes. What is not sealed may have been altered by who can\n"
           "write FILE; its end, and its older files, may have been cut off. Status 1: it\n"
           "does not hold, or that key has sealed nothing.",
           "stewardctl audit verify /var/lib/steward-edge --key message.pub",
           TakesCommand::no,
           [](Syntax& syntax) -> Action { return with_file(syntax, verify_audit, true); }}};
}

}  // namespace steward::ctl
