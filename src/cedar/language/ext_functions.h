// The functions and methods of the extension types: one table that the parser (which names exist, in which style), the evaluator (what
// they do) and the validator (their types) read.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cedar/value.h"

namespace remit::cedar {

struct ExtensionFunction {
  std::string_view name;
  bool method = false;  // receiver.name(…), the receiver is the first argument; else name(…)
  std::vector<Value::Kind> parameters;
  Value::Kind result;
  bool constructor = false;                                         // reads one string; fails where the string is malformed
  Result<Value> (*apply)(std::span<const Value* const> arguments);  // of the right number and kinds
};

// Null where there is none. Unqualified names only: extensions live in no namespace.
const ExtensionFunction* FindExtensionFunction(std::string_view name);

std::span<const ExtensionFunction> AllExtensionFunctions();

// Checks number and kinds of the arguments, then applies. Errors: `evaluation-error`.
Result<Value> CallExtension(const ExtensionFunction& function, std::span<const Value* const> arguments);

}  // namespace remit::cedar
