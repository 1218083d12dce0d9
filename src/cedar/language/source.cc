// Places and findings as text and as errors.
#include "cedar/source.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace remit::cedar {

std::string Place::ToString() const {
  std::vector<const Place*> way;
  for (const Place* place = this; place != nullptr; place = place->inside.get()) way.push_back(place);
  std::string text = way.back()->name;
  for (way.pop_back(); !way.empty(); way.pop_back()) {
    if (!text.empty()) text += '/';
    text += way.back()->name;
  }
  return text;
}

bool Span::IsIn(std::string_view file_name) const { return file != nullptr && file->inside == nullptr && file->name == file_name; }

std::string Span::ToString() const {
  if (file == nullptr) return "";
  const std::string name = file->ToString();
  if (line == 0) return name;
  if (name.empty()) return fmt::format("{}:{}", line, column);
  return fmt::format("{}:{}:{}", name, line, column);
}

Diagnostic Finding(const Span& at, std::string_view reason, std::string message, std::string_view hint) {
  Diagnostic finding;
  finding.reason = reason;
  finding.message = std::move(message);
  finding.hint = hint;
  finding.span = at;
  return finding;
}

Error Diagnostic::ToError() const {
  const Code code = reason == "not-supported" ? Code::kUnsupported : Code::kInvalidArgument;
  return Error(code, reason, message).At(span.ToString()).Hint(hint);
}

}  // namespace remit::cedar
