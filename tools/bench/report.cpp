#include "tools/bench/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/utsname.h>

#include <array>
#include <thread>

namespace steward::bench {

namespace {

// Three digits that say something, whatever the size.
std::string number(double value) {
  if (value >= 100) {
    return fmt::format("{:.0f}", value);
  }
  return value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.3f}", value);
}

std::string bar_text(const Figure& figure) {
  const std::string limit = fmt::format("{:g}", figure.bar.limit);
  switch (figure.bar.kind) {
    case BarKind::none:
      return "-";
    case BarKind::ratio_at_most:
      return "<= " + limit + "x";
    case BarKind::ratio_at_least:
      return ">= " + limit + "x";
    case BarKind::value_at_most:
      return "<= " + limit + " " + figure.unit;
    case BarKind::value_at_least:
      return ">= " + limit + " " + figure.unit;
  }
  return "-";
}

std::string met_text(const Figure& figure) {
  const std::optional<bool> met = figure.met();
  if (!met) {
    return "-";
  }
  return *met ? "yes" : "NO";
}

using Row = std::array<std::string, 7>;

Row row_of(const Figure& figure) {
  const std::optional<double> ratio = figure.ratio();
  return {figure.name,
          number(figure.ours) + " " + figure.unit,
          figure.peer ? number(*figure.peer) + " " + figure.unit : "-",
          figure.peer ? figure.peer_name : "-",
          ratio ? fmt::format("{:.2f}x", *ratio) : "-",
          bar_text(figure),
          met_text(figure)};
}

}  // namespace

std::optional<double> Figure::ratio() const {
  if (!peer || *peer == 0) {
    return std::nullopt;
  }
  return ours / *peer;
}

std::optional<bool> Figure::met() const {
  switch (bar.kind) {
    case BarKind::none:
      return std::nullopt;
    case BarKind::value_at_most:
      return ours <= bar.limit;
    case BarKind::value_at_least:
      return ours >= bar.limit;
    case BarKind::ratio_at_most:
    case BarKind::ratio_at_least:
      break;
  }
  const std::optional<double> measured = ratio();
  if (!measured) {
    return std::nullopt;
  }
  return bar.kind == BarKind::ratio_at_most ? *measured <= bar.limit : *measured >= bar.limit;
}

std::string table(const std::vector<Figure>& figures) {
  std::vector<Row> rows{{"FIGURE", "OURS", "PEER", "PEER IS", "RATIO", "BAR", "MET"}};
  for (const Figure& figure : figures) {
    rows.push_back(row_of(figure));
  }
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string json(const std::vector<Figure>& figures, std::string_view version) {
  utsname system{};
  ::uname(&system);
  nlohmann::json document{{"version", version},
                          {"cores", std::thread::hardware_concurrency()},
                          {"kernel", system.release},
                          {"figures", nlohmann::json::array()}};
  for (const Figure& figure : figures) {
    nlohmann::json row{{"name", figure.name}, {"unit", figure.unit}, {"ours", figure.ours}};
    if (figure.peer) {
      row["peer_name"] = figure.peer_name;
      row["peer"] = *figure.peer;
    }
    if (const std::optional<double> ratio = figure.ratio()) {
      row["ratio"] = *ratio;
    }
    if (figure.bar.kind != BarKind::none) {
      row["bar"] = bar_text(figure);
    }
    if (const std::optional<bool> met = figure.met()) {
      row["met"] = *met;
    }
    document["figures"].push_back(std::move(row));
  }
  return document.dump(2) + "\n";
}

}  // namespace steward::bench
