// Texts in messages: what somebody wrote may be as large as its file, and is shown once for each mistake in it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cedar/ast.h"

namespace remit::cedar {

inline constexpr std::size_t kShownOfFinding = 2000;  // bytes of a finding's message, and of its hint: names may be as long as their file

// At most about `bytes` of the text, in whole characters; `…` stands for the rest.
std::string Shown(std::string_view text, std::size_t bytes);

// The beginning of an expression, on one line.
std::string Shown(const Expr& expr);

}  // namespace remit::cedar
