#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace steward::runtime {

// A section of a TOML configuration file, read by the one who knows its keys. Getters give their
// fallback when the key is absent; a wrong type or bound, and every key that nobody has read, comes
// out of problems() with its place: "/etc/steward/edge.toml:12:3: edge.nmae: unknown key; did you
// mean 'name'?". A handle: copies and sections share one document. Any thread.
class Options {
 public:
  // Nothing set.
  Options();

  // Errors: bad_config (with line and column), not_found, permission, io.
  [[nodiscard]] static Result<Options> load(const std::string& path);

  // For tests and flags. Errors: bad_config.
  [[nodiscard]] static Result<Options> parse(std::string_view toml, std::string shown_path);

  // The table of that key; an empty one when absent.
  Options section(std::string_view key);

  // These keys, and those of `below` where this has none: [shellcommand.web] over [shellcommand].
  // Both must be of one document.
  Options over(const Options& below) const;

  // Names of the tables in this one, e.g. the domains below [shellcommand].
  std::vector<std::string> sections() const;

  bool has(std::string_view key) const;
  std::string text(std::string_view key, std::string fallback = "");
  std::int64_t integer(std::string_view key,
                       std::int64_t fallback,
                       std::int64_t low,
                       std::int64_t high);
  bool boolean(std::string_view key, bool fallback);
  // TOML has no duration: integer milliseconds under a key that ends in _ms.
  std::chrono::milliseconds milliseconds(std::string_view key,
                                         std::chrono::milliseconds fallback,
                                         std::chrono::milliseconds low,
                                         std::chrono::milliseconds high);
  // A list of texts; a single text counts as a list of one.
  std::vector<std::string> texts(std::string_view key);
  // Each table of a list of tables ([[metrics.rules]]), as JSON text: its reader checks what is in
  // it, and rejects the key where something is wrong.
  std::vector<std::string> tables(std::string_view key);
  // One of those words, as its index in the list.
  std::size_t choice(std::string_view key,
                     std::initializer_list<std::string_view> words,
                     std::size_t fallback);

  // Says that a value is wrong for a reason of the caller's own.
  void reject(std::string_view key, std::string_view why);

  // Of the whole file, this section's parent included, in its order: call after all sections were
  // read.
  std::vector<std::string> problems() const;

 private:
  struct Document;
  struct Node;
  Options(std::shared_ptr<Document> document, std::shared_ptr<Node> node);

  std::shared_ptr<Document> document_;
  std::shared_ptr<Node> node_;
};

}  // namespace steward::runtime
