// Where something stands in a source file, and what is wrong there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace remit::cedar {

struct Place;
using PlacePtr = std::shared_ptr<const Place>;

// A file, or one step on the way to a member of a document. The way is written out only where somebody is told of it: documents are deep,
// and each of their members has a place.
struct Place {
  std::string name;
  PlacePtr inside;  // null: a file, or the first step

  std::string ToString() const;  // "file", "NS/entityTypes/User"
};

// A half-open range of bytes of one file; line and column (both from 1, column in bytes) of its first byte. In documents that are read as
// values, not as text, line is 0 and `file` the way to the member.
struct Span {
  PlacePtr file;  // its name as given to the parser; may be null for built expressions
  std::uint32_t begin = 0, end = 0;
  std::uint32_t line = 0, column = 0;

  bool IsIn(std::string_view file_name) const;
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

Diagnostic Finding(const Span& at, std::string_view reason, std::string message, std::string_view hint = {});  // an error

}  // namespace remit::cedar
