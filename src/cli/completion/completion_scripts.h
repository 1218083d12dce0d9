// The completion of each shell, as `remit completion SHELL` prints it.
#pragma once

#include <string_view>

namespace remit::cli {

std::string_view BashCompletion();
std::string_view ZshCompletion();
std::string_view FishCompletion();

}  // namespace remit::cli
