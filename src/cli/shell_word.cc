#include "cli/shell_word.h"

#include "base/text.h"

namespace remit::cli {

std::string ShellWord(std::string_view text) {
  constexpr std::string_view kPlain = "+,-./0123456789:@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  const std::string shown = EscapeControl(text);
  if (!shown.empty() && shown.find_first_not_of(kPlain) == std::string::npos) return shown;
  std::string word = "'";
  for (const char c : shown) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace remit::cli
