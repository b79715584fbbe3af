#include "tools/stewardctl/table.hpp"

#include "tools/stewardctl/format.hpp"

#include <algorithm>
#include <numeric>

namespace steward::ctl {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 6;

}  // namespace

void Table::add(std::vector<Cell> row) {
  row.resize(columns_.size());
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths(std::optional<std::size_t> width, Titles titles) const {
  std::vector<std::size_t> out(columns_.size(), 0);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    out[i] = titles == Titles::shown ? columns(columns_[i].title) : 0;
    for (const auto& row : rows_) {
      out[i] = std::max(out[i], columns(row[i].text));
    }
  }
  if (!width) {
    return out;
  }
  const auto total = [&out] {
    return std::accumulate(out.begin(), out.end(), kGap * (out.size() - 1));
  };
  while (total() > *width) {
    const auto widest = std::max_element(out.begin(), out.end());
    if (*widest <= kNarrowest) {
      break;
    }
    *widest = std::max(kNarrowest, *widest - std::min(*widest, total() - *width));
  }
  return out;
}

std::string Table::line(const std::vector<Cell>& row,
                        const std::vector<std::size_t>& widths,
                        const Style& style) const {
  std::string out;
  std::size_t owed =
      0;  // spaces that the next text needs before it, so that no line ends with some
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string text = shortened(row[i].text, widths[i], style.ellipsis());
    const std::size_t padding = widths[i] - std::min(widths[i], columns(text));
    const bool right = columns_[i].align == Align::right;
    if (right) {
      owed += padding;
    }
    if (!text.empty()) {
      out.append(owed, ' ');
      out += style.paint(row[i].paint, text);
      owed = 0;
    }
    owed += (right ? 0 : padding) + kGap;
  }
  return out + "\n";
}

std::string Table::render(const Style& style,
                          std::optional<std::size_t> width,
                          Titles titles) const {
  const std::vector<std::size_t> fitted = widths(width, titles);
  std::string out;
  if (titles == Titles::shown) {
    std::vector<Cell> head;
    for (const Column& column : columns_) {
      head.push_back({column.title, Paint::strong});
    }
    out += line(head, fitted, style);
  }
  for (const auto& row : rows_) {
    out += line(row, fitted, style);
  }
  return out;
}

}  // namespace steward::ctl
