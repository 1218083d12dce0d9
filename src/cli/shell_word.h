// What people are told to type, so that it can be pasted.
#pragma once

#include <string>
#include <string_view>

namespace remit::cli {

// The text as one word of a POSIX shell: as it stands where no shell reads anything into it, else in single quotes. What hides in it is shown
// escaped, as everywhere: such a word means another text, and no shell takes it for a command.
std::string ShellWord(std::string_view text);

}  // namespace remit::cli
