#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::bench {

enum class BarKind { none, ratio_at_most, ratio_at_least, value_at_most, value_at_least };

// What a figure has to reach.
struct Bar {
  BarKind kind = BarKind::none;
  double limit = 0;
};

// One thing measured, beside its peer where it has one.
struct Figure {
  std::string name;
  std::string unit;
  double ours = 0;
  std::string peer_name;
  std::optional<double> peer;
  Bar bar;

  // ours / peer; none without a peer, or with one of 0.
  std::optional<double> ratio() const;

  // None without a bar, or where its ratio cannot be had.
  std::optional<bool> met() const;
};

// Columns: figure, ours, peer, ratio, bar, met.
std::string table(const std::vector<Figure>& figures);

// {version, cores, kernel, figures: [{name, unit, ours, peer_name, peer, ratio, bar, met}]}
std::string json(const std::vector<Figure>& figures, std::string_view version);

}  // namespace steward::bench
