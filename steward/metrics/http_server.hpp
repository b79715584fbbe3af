#pragma once

#include "steward/metrics/fleet_view.hpp"
#include "steward/metrics/metrics_table.hpp"
#include "subjects/wire/error.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace steward::station {

// What a station tells other programs over HTTP:
//
//   GET /metrics          the fleet's state, the station's figures, every unit's metrics
//   GET /metrics/<unit>   one unit's
//   GET /api/v1/sd        the units as targets of Prometheus's HTTP discovery
//   GET /healthz          200 while the station does its work, else 503 and why
//
// On threads of its own.
class HttpServer {
 public:
  // Called on threads of the server, several at once.
  struct Parts {
    // None where the station does not answer.
    std::function<std::optional<FleetView>(const FleetScope&)> view;
    std::function<Result<void>()> broker;  // a round trip to the broker
    const MetricsTable& metrics;
  };

  // `address`: host:port; [host]:port for IPv6; port 0 for any free one. Errors: bad_config, busy,
  // permission.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(const std::string& address,
                                                                  Parts parts);

  // Waits for answers that are under way.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // "http://127.0.0.1:9180"
  const std::string& url() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace steward::station
