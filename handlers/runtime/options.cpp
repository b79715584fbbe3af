#include "handlers/runtime/options.hpp"

#include "subjects/bus/mutex.hpp"
#include "subjects/wire/target.hpp"

#include <toml++/toml.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>

namespace steward::runtime {

namespace {

// A configuration is small; what is larger is another file, given by mistake.
constexpr std::size_t kLargestFile = 1024 * 1024;

Result<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return tl::unexpected(system_error(errno, "read configuration " + path));
  }
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    const int error = got < 0 ? errno : 0;
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    if (got > 0 && text.size() <= kLargestFile) {
      continue;
    }
    ::close(fd);
    if (error != 0) {
      return tl::unexpected(system_error(error, "read configuration " + path));
    }
    if (text.size() > kLargestFile) {
      return failure(ErrorCode::bad_config, path + ": larger than 1 MiB: not a configuration file");
    }
    return text;
  }
}

std::string place(const std::string& path, const toml::source_position& position) {
  return path + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

std::string joined(const std::string& table, std::string_view key) {
  return table.empty() ? std::string(key) : table + "." + std::string(key);
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

}  // namespace

struct Options::Document {
  struct Problem {
    toml::source_position position;
    std::string text;

    auto order() const { return std::tie(position.line, position.column, text); }

    bool operator<(const Problem& other) const { return order() < other.order(); }
  };

  // What was asked of a table, by its name in the file: the keys that it may have.
  struct Asked {
    std::set<std::string, std::less<>> keys;
    std::set<std::string, std::less<>> sections;
  };

  std::string path;
  toml::table root;
  bus::Mutex mutex;
  std::map<std::string, Asked> asked STEWARD_GUARDED_BY(mutex);
  std::set<Problem> problems STEWARD_GUARDED_BY(mutex);

  void reject(const toml::source_position& position,
              const std::string& name,
              std::string_view why) {
    const bus::Lock lock(mutex);
    problems.insert({position, name + ": " + std::string(why)});
  }

  void find_unknown(const toml::table& table, const std::string& name, std::set<Problem>& found)
      STEWARD_REQUIRES(mutex) {
    const auto& known = asked[name];
    for (const auto& [key, value] : table) {
      const std::string whole = joined(name, key.str());
      if (known.sections.contains(key.str())) {
        if (const auto* child = value.as_table()) {
          find_unknown(*child, whole, found);
        }
        continue;
      }
      if (!known.keys.contains(key.str())) {
        found.insert({key.source().begin, whole + ": unknown key" + advice(known, key.str())});
      }
    }
  }

  static std::string advice(const Asked& known, std::string_view written) {
    std::vector<std::string> names(known.keys.begin(), known.keys.end());
    names.insert(names.end(), known.sections.begin(), known.sections.end());
    if (const auto near = wire::nearest(written, names); !near.empty()) {
      return "; did you mean '" + near + "'?";
    }
    return names.empty() ? "; there is nothing to set here" : "; known here: " + listed(names);
  }
};

// One table, or several that hide each other's keys: the first that has a key gives it. A layer
// without a table is one that the file does not have.
struct Options::Node {
  struct Layer {
    const toml::table* table;
    std::string name;
  };

  struct Found {
    const toml::node* value = nullptr;
    std::string name;
  };

  std::vector<Layer> layers;

  Found find(Document& document, std::string_view key) const {
    const bus::Lock lock(document.mutex);
    Found found{nullptr, joined(layers.front().name, key)};
    for (const auto& layer : layers) {
      document.asked[layer.name].keys.emplace(key);
      if (found.value == nullptr && layer.table != nullptr) {
        if (const auto* value = layer.table->get(key)) {
          found = {value, joined(layer.name, key)};
        }
      }
    }
    return found;
  }

  // The value as a T; what is there and is no T is a problem.
  template <class T>
  std::optional<T> read(Document& document, std::string_view key, std::string_view expected) const {
    const Found found = find(document, key);
    if (found.value == nullptr) {
      return std::nullopt;
    }
    auto value = found.value->value_exact<T>();
    if (!value) {
      document.reject(found.value->source().begin, found.name, "must be " + std::string(expected));
    }
    return value;
  }
};

Options::Options()
    : document_(std::make_shared<Document>()),
      node_(std::make_shared<Node>(Node{{{&document_->root, ""}}})) {}

Options::Options(std::shared_ptr<Document> document, std::shared_ptr<Node> node)
    : document_(std::move(document)), node_(std::move(node)) {}

Result<Options> Options::load(const std::string& path) {
  STEWARD_TRY(const std::string text, read_file(path));
  return parse(text, path);
}

Result<Options> Options::parse(std::string_view toml, std::string shown_path) {
  Options options;
  try {
    options.document_->root = toml::parse(toml, shown_path);
  } catch (const toml::parse_error& error) {
    return failure(
        ErrorCode::bad_config,
        place(shown_path, error.source().begin) + ": " + std::string(error.description()));
  }
  options.document_->path = std::move(shown_path);
  return options;
}

Options Options::section(std::string_view key) {
  auto child = std::make_shared<Node>();
  for (const auto& layer : node_->layers) {
    {
      const bus::Lock lock(document_->mutex);
      document_->asked[layer.name].sections.emplace(key);
    }
    const std::string name = joined(layer.name, key);
    const toml::node* value = layer.table == nullptr ? nullptr : layer.table->get(key);
    if (value != nullptr && !value->is_table()) {
      document_->reject(value->source().begin, name, "must be a table: [" + name + "]");
    }
    child->layers.push_back({value == nullptr ? nullptr : value->as_table(), name});
  }
  return Options(document_, std::move(child));
}

Options Options::over(const Options& below) const {
  auto both = std::make_shared<Node>(*node_);
  both->layers.insert(both->layers.end(), below.node_->layers.begin(), below.node_->layers.end());
  return Options(document_, std::move(both));
}

std::vector<std::string> Options::sections() const {
  std::set<std::string> names;
  for (const auto& layer : node_->layers) {
    if (layer.table == nullptr) {
      continue;
    }
    for (const auto& [key, value] : *layer.table) {
      if (value.is_table()) {
        names.emplace(key.str());
      }
    }
  }
  return {names.begin(), names.end()};
}

bool Options::has(std::string_view key) const {
  return std::any_of(node_->layers.begin(), node_->layers.end(), [key](const auto& layer) {
    return layer.table != nullptr && layer.table->contains(key);
  });
}

std::string Options::text(std::string_view key, std::string fallback) {
  return node_->read<std::string>(*document_, key, "a text in quotes")
      .value_or(std::move(fallback));
}

std::int64_t Options::integer(std::string_view key,
                              std::int64_t fallback,
                              std::int64_t low,
                              std::int64_t high) {
  const std::string expected =
      "an integer from " + std::to_string(low) + " to " + std::to_string(high);
  const auto value = node_->read<std::int64_t>(*document_, key, expected);
  if (value && (*value < low || *value > high)) {
    reject(key, "must be " + expected);
    return fallback;
  }
  return value.value_or(fallback);
}

bool Options::boolean(std::string_view key, bool fallback) {
  return node_->read<bool>(*document_, key, "true or false").value_or(fallback);
}

std::chrono::milliseconds Options::milliseconds(std::string_view key,
                                                std::chrono::milliseconds fallback,
                                                std::chrono::milliseconds low,
                                                std::chrono::milliseconds high) {
  return std::chrono::milliseconds(integer(key, fallback.count(), low.count(), high.count()));
}

std::vector<std::string> Options::texts(std::string_view key) {
  const auto found = node_->find(*document_, key);
  if (found.value == nullptr) {
    return {};
  }
  if (auto one = found.value->value_exact<std::string>()) {
    return {*std::move(one)};
  }
  std::vector<std::string> texts;
  bool good = found.value->is_array();
  if (good) {
    for (const auto& item : *found.value->as_array()) {
      auto text = item.value_exact<std::string>();
      good = good && text.has_value();
      texts.push_back(std::move(text).value_or(""));
    }
  }
  if (!good) {
    document_->reject(found.value->source().begin, found.name, "must be a list of texts");
    return {};
  }
  return texts;
}

std::vector<std::string> Options::tables(std::string_view key) {
  const auto found = node_->find(*document_, key);
  std::vector<std::string> texts;
  bool good = found.value == nullptr || found.value->is_array();
  if (found.value != nullptr && good) {
    for (const auto& item : *found.value->as_array()) {
      const auto* table = item.as_table();
      good = good && table != nullptr;
      if (table != nullptr) {
        std::ostringstream text;
        text << toml::json_formatter(*table);
        texts.push_back(text.str());
      }
    }
  }
  if (!good) {
    document_->reject(found.value->source().begin,
                      found.name,
                      "must be a list of tables: [[" + found.name + "]]");
  }
  return texts;
}

std::size_t Options::choice(std::string_view key,
                            std::initializer_list<std::string_view> words,
                            std::size_t fallback) {
  const auto value = node_->read<std::string>(*document_, key, "a text in quotes");
  if (!value) {
    return fallback;
  }
  const auto* const word = std::find(words.begin(), words.end(), *value);
  if (word == words.end()) {
    const std::vector<std::string> known(words.begin(), words.end());
    const auto near = wire::nearest(*value, known);
    reject(
        key,
        "must be one of " + listed(known) + (near.empty() ? "" : "; did you mean '" + near + "'?"));
    return fallback;
  }
  return static_cast<std::size_t>(word - words.begin());
}

void Options::reject(std::string_view key, std::string_view why) {
  const auto found = node_->find(*document_, key);
  const auto position =
      found.value == nullptr ? toml::source_position{} : found.value->source().begin;
  document_->reject(position, found.name, why);
}

std::vector<std::string> Options::problems() const {
  const bus::Lock lock(document_->mutex);
  auto all = document_->problems;
  document_->find_unknown(document_->root, "", all);
  std::vector<std::string> texts;
  for (const auto& problem : all) {
    const bool placed = problem.position.line > 0;
    texts.push_back((placed ? place(document_->path, problem.position) : document_->path) + ": " +
                    problem.text);
  }
  return texts;
}

}  // namespace steward::runtime
