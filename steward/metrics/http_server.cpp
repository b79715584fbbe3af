#include "steward/metrics/http_server.hpp"

#include "steward/metrics/exposition.hpp"
#include "subjects/bus/signals_blocked.hpp"

#include <nlohmann/json.hpp>

#include <httplib.h>

#include <charconv>
#include <string_view>
#include <thread>
#include <utility>

namespace steward::station {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kLargestRequest = 64 * 1024;
constexpr time_t kReadSeconds = 5;
constexpr time_t kWriteSeconds = 30;

constexpr const char* kExposition = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kJson = "application/json";

struct Address {
  std::string host;
  int port = 0;
};

Result<Address> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  Address address;
  bool good = colon != std::string::npos && colon > 0;
  if (good) {
    address.host = text.substr(0, colon);
    const char* const begin = text.data() + colon + 1;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(begin, end, address.port);
    good = error == std::errc() && at == end && address.port >= 0 && address.port <= 65'535;
  }
  if (good && address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else {
    good = good && address.host.find(':') == std::string::npos;
  }
  if (!good || address.host.empty()) {
    return failure(ErrorCode::bad_config,
                   "'" + text + "' is no address to listen at; take one as 127.0.0.1:9180");
  }
  return address;
}

void tell(httplib::Response& response, int status, const nlohmann::json& object) {
  response.status = status;
  response.set_content(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                       kJson);
}

void tell_silent(httplib::Response& response) {
  tell(response, 503, {{"error", "the station does not answer in time"}});
}

}  // namespace

struct HttpServer::State {
  explicit State(Parts given) : parts(std::move(given)) {}

  Parts parts;
  httplib::Server server;
  std::string url;
  std::thread thread;

  void metrics(httplib::Response& response) const {
    const auto view = parts.view({});
    if (!view) {
      return tell_silent(response);
    }
    auto text =
        std::make_shared<Exposition>(*view, parts.metrics.fresh(std::chrono::steady_clock::now()));
    response.set_chunked_content_provider(kExposition,
                                          [text](std::size_t, httplib::DataSink& sink) {
                                            const std::string piece = text->next();
                                            if (piece.empty()) {
                                              sink.done();
                                              return true;
                                            }
                                            return sink.write(piece.data(), piece.size());
                                          });
  }

  void unit(const std::string& name, httplib::Response& response) const {
    const auto view = parts.view({FleetScope::Units::one, name});
    if (!view) {
      return tell_silent(response);
    }
    if (view->units.empty()) {
      return tell(response, 404, {{"error", "no unit " + name + " is known"}});
    }
    response.set_content(
        expose_unit(*view, name, parts.metrics.find(name, std::chrono::steady_clock::now())),
        kExposition);
  }

  // Prometheus then asks for each unit here, where it asked for the list.
  void discovery(const httplib::Request& request, httplib::Response& response) const {
    const auto view = parts.view({});
    if (!view) {
      return tell_silent(response);
    }
    auto host = request.get_header_value("Host");
    if (host.empty()) {
      host = url.substr(url.find("//") + 2);
    }
    auto groups = nlohmann::json::array();
    for (const auto& row : view->units) {
      groups.push_back({{"targets", {host}},
                        {"labels",
                         {{"__metrics_path__", "/metrics/" + row.unit},
                          {"unit", row.unit},
                          {"station", view->station}}}});
    }
    tell(response, 200, groups);
  }

  void health(httplib::Response& response) const {
    const auto view = parts.view({FleetScope::Units::none, {}});
    if (!view) {
      return tell_silent(response);
    }
    auto troubles = view->troubles;
    if (auto answered = parts.broker(); !answered) {
      troubles.push_back("the broker does not answer: " + answered.error().message);
    }
    tell(response,
         troubles.empty() ? 200 : 503,
         {{"status", troubles.empty() ? "ok" : "troubled"},
          {"station", view->station},
          {"version", view->version},
          {"troubles", troubles}});
  }

  void set_up() {
    server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    // Not as it would by itself: two stations that share a port would share its askers.
    server.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.set_payload_max_length(kLargestRequest);
    server.set_read_timeout(kReadSeconds);
    server.set_write_timeout(kWriteSeconds);
    server.Get("/metrics", [this](const auto&, auto& response) { metrics(response); });
    server.Get("/metrics/([^/]+)", [this](const httplib::Request& request, auto& response) {
      unit(request.matches[1], response);
    });
    server.Get("/api/v1/sd",
               [this](const auto& request, auto& response) { discovery(request, response); });
    server.Get("/healthz", [this](const auto&, auto& response) { health(response); });
    server.set_error_handler([](const auto&, httplib::Response& response) {
      if (response.body.empty()) {
        tell(response,
             response.status,
             {{"error",
               "nothing is here; there are /metrics, /metrics/<unit>, /api/v1/sd and /healthz"}});
      }
    });
  }
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->server.stop();
  state_->thread.join();
}

const std::string& HttpServer::url() const { return state_->url; }

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const std::string& address, Parts parts) {
  STEWARD_TRY(const Address at, parse_address(address));
  auto state = std::make_unique<State>(std::move(parts));
  state->set_up();
  int port = at.port;
  if (port == 0) {
    port = state->server.bind_to_any_port(at.host);
  } else if (!state->server.bind_to_port(at.host, port)) {
    port = -1;
  }
  if (port <= 0) {
    return failure(ErrorCode::busy,
                   "cannot listen at " + address +
                       " for HTTP: the address is in use, or is none of this machine's; name "
                       "another by listen in [http]");
  }
  const bool six = at.host.find(':') != std::string::npos;
  state->url = "http://" + (six ? "[" + at.host + "]" : at.host) + ":" + std::to_string(port);
  const bus::SignalsBlocked blocked;
  state->thread = std::thread([server = &state->server] { server->listen_after_bind(); });
  // Only a server that runs can be stopped.
  while (!state->server.is_running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

}  // namespace steward::station
