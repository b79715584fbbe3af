#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace steward::tests {

// A real nats-server on 127.0.0.1, with a folder of its own; it ends with this object, or with the
// test program. To be used from the thread that started it.
class NatsServer {
 public:
  struct Options {
    int port = 0;                         // 0: any free one
    std::filesystem::path jetstream_dir;  // empty: no JetStream
    std::vector<std::string>
        arguments;  // more of nats-server's own: {"--user", "a", "--pass", "b"}
  };

  // Starts one and waits until it takes connections. Null where nats-server is not installed: said
  // loudly, and a failed test where the environment says CI; the caller returns.
  static std::unique_ptr<NatsServer> start(Options options);
  static std::unique_ptr<NatsServer> start();

  // One with JetStream, its store in a folder of its own.
  static std::unique_ptr<NatsServer> start_with_jetstream();

  ~NatsServer();
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  // "nats://127.0.0.1:<port>"; the same over restarts.
  std::string url() const;

  int port() const { return options_.port; }

  pid_t pid() const { return pid_; }

  // Where JetStream keeps its streams.
  const std::filesystem::path& store() const { return options_.jetstream_dir; }

  // Its log so far.
  std::string log() const;

  void kill9();
  void stop();    // asks it to end, and waits
  void freeze();  // it takes no more turns: a broker behind a cut cable
  void thaw();

  void reload();  // it reads its configuration again

  // Starts it again on the same port, after kill9() or stop() (else it is stopped first).
  void restart();
  void restart(std::vector<std::string> arguments);

 private:
  static std::unique_ptr<NatsServer> make(Options options);
  NatsServer(std::filesystem::path program, Options options);
  void launch();
  void end(int signal);
  void wait_for_port();

  const std::filesystem::path program_;
  Options options_;
  std::filesystem::path folder_;
  pid_t pid_ = -1;
};

}  // namespace steward::tests
