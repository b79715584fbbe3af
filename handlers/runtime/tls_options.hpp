#pragma once

#include "handlers/runtime/options.hpp"
#include "subjects/bus/nats_bus.hpp"

#include <filesystem>

namespace steward::runtime {

// The section [tls] of a configuration: how the broker's certificate is judged, and what is shown
// to one that asks for ours. With `own` that lies in `state_dir`/tls, see OwnCertificate.
bus::TlsFiles read_tls(Options& options, const std::filesystem::path& state_dir);

}  // namespace steward::runtime
