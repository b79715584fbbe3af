#pragma once

#include "tools/stewardctl/console.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace steward::ctl {

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

struct Cell {
  std::string text;
  Paint paint = Paint::plain;
};

// Lines of aligned cells, two spaces between them, a title line above. The widest column gives way
// where a terminal is too narrow; without a width nothing is cut.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // A cell a column; ones left out are empty.
  void add(std::vector<Cell> row);

  std::size_t size() const { return rows_.size(); }

  enum class Titles { shown, hidden };

  // Ends with a newline, unless there is nothing.
  std::string render(const Style& style,
                     std::optional<std::size_t> width,
                     Titles titles = Titles::shown) const;

 private:
  std::vector<std::size_t> widths(std::optional<std::size_t> width, Titles titles) const;
  std::string line(const std::vector<Cell>& row,
                   const std::vector<std::size_t>& widths,
                   const Style& style) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace steward::ctl
