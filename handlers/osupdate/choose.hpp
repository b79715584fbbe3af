#pragma once

#include "handlers/osupdate/driver.hpp"
#include "handlers/runtime/context.hpp"

#include <memory>
#include <string_view>

namespace steward::handlers::osupdate {

// The driver that the option `driver` names; with `auto` the one that is there, and of several the
// one that the machine is made with. Where none is there, one that says so. The context outlives
// it.
std::unique_ptr<Driver> choose_driver(runtime::Context& context);

// "apt", "dnf" or "apk", by the text of os-release; empty: it does not say. Pure.
std::string_view driver_of(std::string_view os_release);

}  // namespace steward::handlers::osupdate
