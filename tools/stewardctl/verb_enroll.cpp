#include "subjects/identity/enrollment.hpp"
#include "subjects/wire/enrollment.hpp"
#include "subjects/wire/methods.hpp"
#include "tools/stewardctl/cluster_authority.hpp"
#include "tools/stewardctl/cluster_folder.hpp"
#include "tools/stewardctl/fingerprint_check.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace steward::ctl {

namespace {

using wire::EnrollmentRow;
using wire::EnrollmentState;

struct EnrollArguments {
  std::string unit;
  std::string folder;
  std::string fingerprint;
  std::string reason;
};

Result<std::vector<EnrollmentRow>> ask_rows(Session& session,
                                            const std::string& unit,
                                            std::vector<std::string>& texts) {
  auto request = all_rows();
  if (!unit.empty()) {
    request.units = {unit};
  }
  STEWARD_TRY(auto answer, session.query("enrollments", request));
  std::vector<EnrollmentRow> rows;
  for (const auto& text : answer.rows) {
    STEWARD_TRY(auto row, wire::decode_enrollment_row(text));
    rows.push_back(std::move(row));
  }
  texts = std::move(answer.rows);
  return rows;
}

Paint paint_of_enrollment(EnrollmentState state) {
  return state == EnrollmentState::conflict   ? Paint::bad
         : state == EnrollmentState::approved ? Paint::good
         : state == EnrollmentState::rejected ? Paint::faint
                                              : Paint::warning;
}

// What a person has to know beside the state.
std::string remark(const EnrollmentRow& row) {
  if (!row.other.empty()) {
    return "another key asks too: " + row.other;
  }
  return row.by.empty() ? row.reason : row.by + (row.reason.empty() ? "" : ": " + row.reason);
}

Result<Exit> list_enrollments(Invocation& invocation) {
  STEWARD_TRY(const auto session, invocation.session());
  std::vector<std::string> texts;
  STEWARD_TRY(const auto rows, ask_rows(*session, "", texts));
  if (invocation.format == Format::json) {
    invocation.console.out(fmt::format("[{}]\n", fmt::join(texts, ",\n ")));
    return Exit::ok;
  }
  if (!invocation.is_table()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      invocation.console.out((invocation.format == Format::name ? rows[i].unit : texts[i]) + "\n");
    }
    return Exit::ok;
  }
  Table table({{"UNIT"}, {"STATE"}, {"FINGERPRINT"}, {"SINCE"}, {""}});
  for (const auto& row : rows) {
    table.add({{row.unit},
               {std::string(word(row.state)), paint_of_enrollment(row.state)},
               {row.fingerprint},
               {date_time(row.since)},
               {one_line(remark(row))}});
  }
  if (rows.empty()) {
    invocation.console.note("No unit asks. Invite one: stewardctl enroll token UNIT --dir DIR");
  }
  invocation.console.out(
      rows.empty() ? "" : table.render(invocation.console.look().out, invocation.console.width()));
  return Exit::ok;
}

Result<EnrollmentRow> asking(Session& session, const std::string& unit) {
  if (auto name = wire::NodeName::parse(unit); !name) {
    return failure(ErrorCode::bad_config, name.error().message);
  }
  std::vector<std::string> texts;
  STEWARD_TRY(auto rows, ask_rows(session, unit, texts));
  if (rows.empty()) {
    return failure(ErrorCode::not_found, unit + " does not ask to be let in");
  }
  return std::move(rows.front());
}

Result<Exit> approve(Invocation& invocation, const EnrollArguments& arguments) {
  STEWARD_TRY(const auto folder, cluster_folder(arguments.folder));
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto row, asking(*session, arguments.unit));
  if (row.state == EnrollmentState::conflict) {
    return failure(ErrorCode::conflict,
                   row.unit + " has another key already: names are not used again");
  }
  if (!row.other.empty()) {
    invocation.console.warn("another key asks for the name " + row.unit + ", too: " + row.other);
  }
  // What is signed is what was looked at, whatever the station says about it.
  STEWARD_TRY(const auto request, identity::open_enrollment_request(row.request));
  const auto unit = request.node.node.str();
  const auto fingerprint = identity::enrollment_fingerprint(row.request);
  if (unit != arguments.unit) {
    return failure(ErrorCode::denied, "the station gives the request of " + unit);
  }
  if (auto same = check_fingerprint(invocation, unit, fingerprint, arguments.fingerprint); !same) {
    return tl::unexpected<Error>(std::move(same).error());
  }
  STEWARD_TRY(const auto authority, ClusterAuthority::open(folder, ask_root_passphrase));
  STEWARD_TRY(auto bundle, authority->let_in(request, wall_clock()));
  STEWARD_TRY(
      [[maybe_unused]] const auto word,
      session->request(
          wire::kEnrollBundleRoute, "text/plain", std::move(bundle), session->settings().timeout));
  invocation.console.out(fmt::format("{}  approved  {}\n", unit, fingerprint));
  return Exit::ok;
}

Result<Exit> reject(Invocation& invocation, const EnrollArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto row, asking(*session, arguments.unit));
  STEWARD_TRY([[maybe_unused]] const auto word,
              session->request(wire::kEnrollRejectRoute,
                               "application/json",
                               wire::encode(wire::EnrollmentRejection{row.unit, arguments.reason}),
                               session->settings().timeout));
  invocation.console.out(fmt::format("{}  rejected  {}\n", row.unit, row.fingerprint));
  return Exit::ok;
}

}  // namespace

Verbs enroll_verbs() {
  return {
      {"enroll ls",
       "units that ask to be let in",
       "",
       "stewardctl enroll ls",
       TakesCommand::no,
       [](Syntax&) -> Action {
         return [](Invocation& invocation) { return list_enrollments(invocation); };
       }},
      {"enroll approve",
       "let a unit in that asks over the bus",
       "Done where the root's key is. Compare the fingerprint with the one that the unit shows:\n"
       "it stands for all its keys. Interrupted, it is run again.",
       "stewardctl enroll approve ship7 --dir fleet\n"
       "stewardctl enroll approve ship7 --dir fleet --fingerprint 9f86-d081-...",
       TakesCommand::no,
       [](Syntax& syntax) -> Action {
         const auto arguments = std::make_shared<EnrollArguments>();
         syntax.positional("UNIT", arguments->unit, Syntax::Presence::required);
         declare_cluster_folder(syntax, arguments->folder);
         syntax.option(
             "--fingerprint", arguments->fingerprint, "HEX", "the one that the unit shows");
         return [arguments](Invocation& invocation) { return approve(invocation, *arguments); };
       }},
      {"enroll reject",
       "turn a unit away that asks over the bus",
       "Its name is free for another request; of one that was let in, see revoke.",
       "stewardctl enroll reject ship7 --reason 'not ours'",
       TakesCommand::no,
       [](Syntax& syntax) -> Action {
         const auto arguments = std::make_shared<EnrollArguments>();
         syntax.positional("UNIT", arguments->unit, Syntax::Presence::required);
         syntax.option("--reason", arguments->reason, "TEXT", "what the unit is told");
         return [arguments](Invocation& invocation) { return reject(invocation, *arguments); };
       }}};
}

}  // namespace steward::ctl
