#include "subjects/identity/files.hpp"
#include "tools/stewardctl/cluster_authority.hpp"
#include "tools/stewardctl/cluster_folder.hpp"
#include "tools/stewardctl/fingerprint_check.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace steward::ctl {

namespace {

namespace fs = std::filesystem;

struct CaArguments {
  std::string file;
  std::string folder;
  std::string fingerprint;
};

// The requests in a folder, or the one file.
Result<std::vector<fs::path>> requests_at(const std::string& place) {
  std::error_code error;
  if (!fs::is_directory(place, error)) {
    return std::vector<fs::path>{place};
  }
  std::vector<fs::path> files;
  fs::directory_iterator entry(place, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".req") {
      files.push_back(entry->path());
    }
  }
  if (error || files.empty()) {
    return failure(ErrorCode::bad_config,
                   place + ": " + (error ? error.message() : "there are no requests (*.req)"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<void> sign_one(Invocation& invocation,
                      const CaArguments& arguments,
                      const ClusterAuthority& authority,
                      const fs::path& file) {
  const auto wrong = [&file](const Error& error) {
    return failure(error.code == ErrorCode::denied || error.code == ErrorCode::conflict
                       ? error.code
                       : ErrorCode::bad_config,
                   file.string() + ": " + error.message);
  };
  const auto document = identity::read_file(file);
  const auto request = document ? identity::open_enrollment_request(*document)
                                : tl::unexpected<Error>(document.error());
  if (!request) {
    return wrong(request.error());
  }
  const std::string unit = request->node.node.str();
  if (auto same = check_fingerprint(
          invocation, unit, identity::enrollment_fingerprint(*document), arguments.fingerprint);
      !same) {
    return same;
  }
  const auto bundle = authority.let_in(*request, wall_clock());
  if (!bundle) {
    return wrong(bundle.error());
  }
  const auto out = file.parent_path() / (unit + ".bundle");
  if (auto written = identity::write_file(
          out, *bundle, identity::Access::everybody, identity::Existing::replace);
      !written) {
    return wrong(written.error());
  }
  invocation.console.out(fmt::format("{}  {}\n", unit, out.string()));
  return {};
}

Result<Exit> sign_request(Invocation& invocation, const CaArguments& arguments) {
  STEWARD_TRY(const auto folder, cluster_folder(arguments.folder));
  STEWARD_TRY(const auto files, requests_at(arguments.file));
  if (files.size() > 1 && !arguments.fingerprint.empty()) {
    return failure(ErrorCode::bad_config, "--fingerprint is for one request");
  }
  STEWARD_TRY(const auto authority, ClusterAuthority::open(folder, ask_root_passphrase));
  for (const auto& file : files) {
    if (auto done = sign_one(invocation, arguments, *authority, file); !done) {
      return tl::unexpected<Error>(std::move(done).error());
    }
  }
  return Exit::ok;
}

}  // namespace

Verb ca_sign_verb() {
  return {"ca sign",
          "let units into the cluster, where the root's key is",
          "Reads the request that steward-edge init has made (or all *.req of a folder),\n"
          "and writes NAME.bundle beside it, for steward-edge enroll. Compare the\n"
          "fingerprint with the one that the unit shows: it stands for all its keys. A\n"
          "name that has another key already is a conflict.",
          "stewardctl ca sign ship7.req --dir fleet\n"
          "stewardctl ca sign requests/ --dir fleet --yes",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto arguments = std::make_shared<CaArguments>();
            syntax.positional("FILE", arguments->file, Syntax::Presence::required);
            declare_cluster_folder(syntax, arguments->folder);
            syntax.option(
                "--fingerprint", arguments->fingerprint, "HEX", "the one that the unit shows");
            return [arguments](Invocation& invocation) {
              return sign_request(invocation, *arguments);
            };
          }};
}

}  // namespace steward::ctl
