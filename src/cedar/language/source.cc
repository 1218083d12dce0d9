// Places and findings as text and as errors.
#include "cedar/source.h"

#include <fmt/format.h>

namespace remit::cedar {

std::string Span::ToString() const {
  if (file == nullptr) return "";
  if (line == 0) return *file;
  if (file->empty()) return fmt::format("{}:{}", line, column);
  return fmt::format("{}:{}:{}", *file, line, column);
}

Error Diagnostic::ToError() const {
  const Code code = reason == "not-supported" ? Code::kUnsupported : Code::kInvalidArgument;
  return Error(code, reason, message).At(span.ToString()).Hint(hint);
}

}  // namespace remit::cedar
