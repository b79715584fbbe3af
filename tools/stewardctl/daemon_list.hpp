#pragma once

#include "tools/stewardctl/verb.hpp"

namespace steward::ctl {

// What `daemons ls` takes and does: the station's table of the daemons of all units.
Action declare_daemon_list(Syntax& syntax);

}  // namespace steward::ctl
