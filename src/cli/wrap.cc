#include "cli/wrap.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/text.h"

namespace remit::cli {
namespace {

constexpr std::size_t kLeast = 60, kMost = 100, kWithoutTerminal = 80;

// What $COLUMNS says, or the terminal; 0 where nobody does.
std::size_t Said(int fd) {
  const char* variable = std::getenv("COLUMNS");
  const std::string_view text = variable == nullptr ? "" : variable;
  std::size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  if (error == std::errc() && end == text.data() + text.size() && columns > 0) return columns;
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

std::size_t ColumnsOf(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::size_t LineColumns(int fd) {
  const std::size_t said = Said(fd);
  return said == 0 ? kWithoutTerminal : std::clamp(said, kLeast, kMost);
}

std::string Wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  for (const std::string& given : Split(text, '\n')) {
    lines.emplace_back();
    for (const std::string& word : Split(given, ' ')) {
      if (!lines.back().empty() && ColumnsOf(lines.back()) + 1 + ColumnsOf(word) > columns) lines.emplace_back();
      lines.back() += (lines.back().empty() ? "" : " ") + word;
    }
  }
  return Join(lines, "\n");
}

std::string Entry(std::string_view name, std::string_view text, std::size_t column, std::size_t columns) {
  std::string entry = "  " + std::string(name);
  const std::string margin(column, ' ');
  if (text.empty()) return entry + "\n";
  const std::size_t used = ColumnsOf(entry);
  entry += used + 1 < column ? std::string(column - used, ' ') : "\n" + margin;
  for (const char c : Wrapped(text, columns > column ? columns - column : 1)) {
    entry += c;
    if (c == '\n') entry += margin;
  }
  return entry + "\n";
}

}  // namespace remit::cli
