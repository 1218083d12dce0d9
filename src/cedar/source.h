// Where something stands in a source file, and what is wrong there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace remit::cedar {

// A half-open range of bytes of one file; line and column (both from 1, column in bytes) of its first byte. In documents that are read as
// values, not as text, line is 0 and `file` the way to the member.
struct Span {
  std::shared_ptr<const std::string> file;  // name as given to the parser; may be null for built expressions
  std::uint32_t begin = 0, end = 0;
  std::uint32_t line = 0, column = 0;

  std::string ToString() const;  // "file:line:column", or "" without a file, or the file alone without a line
};

// One finding of a parser or the validator.
struct Diagnostic {
  enum class Severity { kError, kWarning } severity = Severity::kError;
  std::string reason;   // stable slug, e.g. "unknown-attribute"
  std::string message;  // lower case, values in backticks
  std::string hint;
  std::string policy;  // id of the policy concerned, may be empty
  Span span;

  Error ToError() const;  // code kInvalidArgument (kUnsupported for reason "not-supported"), place from the span
};

}  // namespace remit::cedar
