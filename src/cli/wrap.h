// Text in lines that fit where people read them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace remit::cli {

// How many columns a text takes: one for each code point.
std::size_t ColumnsOf(std::string_view text);

// How wide lines for people are: as the terminal behind `fd`, unless $COLUMNS says otherwise; 100 at most, since longer lines are hard to read, and
// 60 at least. 80 where there is no terminal.
std::size_t LineColumns(int fd);

// The text with line ends between words, so that no line is wider than `columns`, but for words that are. Line ends of its own stay.
std::string Wrapped(std::string_view text, std::size_t columns);

// The text behind `name`, as one of a list: the name indented by two, the text in its own column from `column` on, below where the name is too long.
std::string Entry(std::string_view name, std::string_view text, std::size_t column, std::size_t columns);

}  // namespace remit::cli
