#include "handlers/runtime/tls_options.hpp"

namespace steward::runtime {

bus::TlsFiles read_tls(Options& options, const std::filesystem::path& state_dir) {
  auto section = options.section("tls");
  bus::TlsFiles files{.ca = section.text("ca"),
                      .certificate = section.text("certificate"),
                      .key = section.text("key"),
                      .own = section.boolean("own", false)};
  if (files.certificate.empty() != files.key.empty()) {
    section.reject(files.key.empty() ? "certificate" : "key",
                   "a certificate and its key go together");
  }
  if (!files.own) {
    return files;
  }
  if (!files.certificate.empty()) {
    section.reject("own", "the certificate is either our own or a given one");
  }
  if (!options.has("trust")) {
    section.reject("own", "without [trust] there is no authority to certify us");
  }
  files.certificate = (state_dir / "tls/chain.pem").string();
  files.key = (state_dir / "tls/key.pem").string();
  return files;
}

}  // namespace steward::runtime
