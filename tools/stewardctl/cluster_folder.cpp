#include "tools/stewardctl/cluster_folder.hpp"

#include "tools/stewardctl/passphrase.hpp"

namespace steward::ctl {

void declare_cluster_folder(Syntax& syntax, std::string& given) {
  syntax.option("--dir", given, "DIR", "the folder of steward init");
}

Result<std::filesystem::path> cluster_folder(const std::string& given) {
  if (given.empty()) {
    return failure(ErrorCode::bad_config, "--dir is missing: the folder of steward init");
  }
  return std::filesystem::path(given);
}

Result<identity::Secret> ask_root_passphrase() { return ask_passphrase("Passphrase of the root"); }

}  // namespace steward::ctl
