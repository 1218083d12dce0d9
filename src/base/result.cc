#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace remit {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return "invalid-argument";
    case Code::kUnauthenticated: return "unauthenticated";
    case Code::kPermissionDenied: return "permission-denied";
    case Code::kNotFound: return "not-found";
    case Code::kAlreadyExists: return "already-exists";
    case Code::kFailedPrecondition: return "failed-precondition";
    case Code::kConflict: return "conflict";
    case Code::kResourceExhausted: return "resource-exhausted";
    case Code::kUnavailable: return "unavailable";
    case Code::kDeadlineExceeded: return "deadline-exceeded";
    case Code::kUnsupported: return "unsupported";
    case Code::kCorrupt: return "corrupt";
    case Code::kInternal: return "internal";
  }
  return "internal";
}

std::string Error::ToString() const {
  std::string text;
  if (!place.empty()) text += place + ": ";
  text += message;
  if (!hint.empty()) text += "\nhint: " + hint;
  return text;
}

void Panic(std::string_view what, const char* file, int line) {
  std::fprintf(stderr, "remit: %s:%d: %.*s\n", file, line, static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace remit
