#pragma once

#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/shim.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace steward::handlers::shellcommand {

// Clears away what detached commands leave: the folders of those that have ended, and processes
// that no command stands for any more (its signer may not run it any longer, its record is lost). A
// folder goes when nobody has owned it at two looks: the end of its command is on disk by then.
class DetachedFolders {
 public:
  // `owned`: whether a command of that id is open.
  DetachedFolders(runtime::Loop& loop,
                  std::filesystem::path root,
                  std::chrono::milliseconds pause,
                  std::function<bool(const std::string& id)> owned);

  // There may be something to clear away; looks until there is nothing.
  void watch();

 private:
  void look();
  void clear(const std::string& id);

  runtime::Loop& loop_;
  std::filesystem::path root_;
  std::chrono::milliseconds pause_;
  std::function<bool(const std::string&)> owned_;
  std::set<std::string> unowned_;  // at the last look
  std::map<std::string, std::unique_ptr<runtime::Shim>> ending_;
  std::set<std::string> ended_;  // of those: nothing runs any more
  runtime::Timer timer_;
};

}  // namespace steward::handlers::shellcommand
