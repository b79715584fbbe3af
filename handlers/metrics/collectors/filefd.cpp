#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

namespace steward::handlers::metrics {

// "807  0  2465610": allocated, free (always 0), at most.
Result<void> parse_filefd(std::string_view text, Samples& out) {
  auto line = next_line(text);
  const auto allocated = next_whole(line);
  next_word(line);
  const auto most = next_whole(line);
  if (!allocated || !most) {
    return failure(ErrorCode::bad_payload, "file-nr: not three numbers");
  }
  out.gauge("node_filefd_allocated", {}, *allocated);
  out.gauge("node_filefd_maximum", {}, *most);
  return {};
}

Made make_filefd(const Roots& roots) {
  return one_file("filefd", roots.proc + "/sys/fs/file-nr", parse_filefd);
}

}  // namespace steward::handlers::metrics
