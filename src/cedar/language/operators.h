// The names of operators and variables, which text and JSON share.
#pragma once

#include <optional>
#include <string_view>

#include "cedar/ast.h"

namespace remit::cedar {

// As written between two operands, or behind the dot of a method; "" for what is not written so.
std::string_view OperatorText(Op op);

// The operators and methods of two operands: the inverse of OperatorText for these, nothing for any other text.
std::optional<Op> BinaryOperator(std::string_view text);

std::string_view VarName(Var var);
std::optional<Var> FindVar(std::string_view name);

}  // namespace remit::cedar
