#include "subjects/wire/group.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/tell_station.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace steward::ctl {

namespace {

struct GroupListing {
  std::vector<wire::GroupRow> rows;
  std::vector<std::string> texts;  // of the rows, as the station wrote them
};

Result<GroupListing> list_groups(Session& session) {
  STEWARD_TRY(auto answer, session.query("groups", all_rows()));
  GroupListing listing{{}, std::move(answer.rows)};
  for (const auto& text : listing.texts) {
    STEWARD_TRY(auto row, wire::decode_group_row(text));
    listing.rows.push_back(std::move(row));
  }
  return listing;
}

Result<std::optional<wire::GroupRow>> find(Session& session, const std::string& name) {
  STEWARD_TRY(const auto listing, list_groups(session));
  const auto at = std::find_if(listing.rows.begin(), listing.rows.end(), [&name](const auto& row) {
    return row.name == name;
  });
  return at == listing.rows.end() ? std::nullopt : std::optional(*at);
}

Result<Exit> show_groups(Invocation& invocation) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto listing, list_groups(*session));
  Console& console = invocation.console;
  if (invocation.format == Format::json) {
    console.out(fmt::format("[{}]\n", fmt::join(listing.texts, ",\n ")));
    return Exit::ok;
  }
  if (!invocation.is_table()) {
    for (std::size_t i = 0; i < listing.rows.size(); ++i) {
      console.out((invocation.format == Format::name ? listing.rows[i].name : listing.texts[i]) +
                  "\n");
    }
    return Exit::ok;
  }
  Table table({{"GROUP"}, {"TARGET"}, {"BY"}, {"CHANGED"}});
  for (const auto& row : listing.rows) {
    table.add({{"@" + row.name}, {one_line(row.target)}, {row.by}, {date_time(row.changed)}});
  }
  if (table.size() == 0) {
    console.note("No groups yet. Make one: stewardctl group set web 'role=web'");
    return Exit::ok;
  }
  console.out(table.render(console.look().out, console.width()));
  return Exit::ok;
}

std::string without_at(const std::string& name) {
  return name.starts_with('@') ? name.substr(1) : name;
}

Result<Exit> tell(Invocation& invocation, wire::GroupsRequest request) {
  request.name = without_at(request.name);
  if (auto good = wire::decode_groups_request(wire::encode(request)); !good) {
    return failure(ErrorCode::bad_config, good.error().message);
  }
  STEWARD_TRY(const auto session, invocation.session());
  const bool sets = request.op == wire::GroupsRequest::Op::set;
  if (!sets) {
    STEWARD_TRY(const auto known, find(*session, request.name));
    if (!known) {
      return failure(ErrorCode::not_found,
                     fmt::format("no group is named '{}'. See: stewardctl group ls", request.name));
    }
  }
  const auto done = [&](const wire::MessageId&) -> Result<bool> {
    STEWARD_TRY(const auto row, find(*session, request.name));
    return sets ? row && row->target == request.target : !row;
  };
  if (auto told = tell_station(*session, "groups", wire::encode(request), done); !told) {
    return tl::unexpected<Error>(std::move(told).error());
  }
  invocation.console.note(sets ? fmt::format("@{} = {}", request.name, request.target)
                               : fmt::format("@{} is no group any more", request.name));
  return Exit::ok;
}

}  // namespace

Verbs group_verbs() {
  return {{"group ls",
           "names for units",
           "",
           "stewardctl group ls",
           TakesCommand::no,
           [](Syntax&) -> Action {
             return [](Invocation& invocation) { return show_groups(invocation); };
           }},
          {"group set",
           "name units, to be meant by @NAME",
           "TARGET is any target: names, or what units are, asked anew each time the group is\n"
           "meant; other groups, too.",
           "stewardctl group set fleet-a ship1,ship2\n"
           "stewardctl group set web 'role=web and not @fleet-a'\n"
           "stewardctl run '@web and os=debian' -- uptime",
           TakesCommand::no,
           [](Syntax& syntax) -> Action {
             const auto request = std::make_shared<wire::GroupsRequest>();
             syntax.positional("NAME", request->name, Syntax::Presence::required);
             syntax.positional("TARGET", request->target, Syntax::Presence::required);
             return [request](Invocation& invocation) { return tell(invocation, *request); };
           }},
          {"group rm",
           "take a name of units away",
           "",
           "stewardctl group rm fleet-a",
           TakesCommand::no,
           [](Syntax& syntax) -> Action {
             const auto request = std::make_shared<wire::GroupsRequest>();
             request->op = wire::GroupsRequest::Op::remove;
             syntax.positional("NAME", request->name, Syntax::Presence::required);
             return [request](Invocation& invocation) { return tell(invocation, *request); };
           }}};
}

}  // namespace steward::ctl
