// See secret_path.h.
#include "task/secret_path.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "task/builtin_schema.h"

namespace remit::task {

Status CheckSecretPath(std::string_view path) {
  auto bad = [&](std::string_view why) {
    return Fail(Code::kInvalidArgument, "bad-secret-path", fmt::format("`{}` is no path of a secret: {}", EscapeControl(path.substr(0, 80)), why),
                "segments of a-z, 0-9, `.`, `_` and `-` with `/` between them, e.g. `prod/db/password`");
  };
  if (path.size() > limits::kSecretPathBytes) return bad("it is too long");
  const std::vector<std::string> segments = Split(path, '/');
  if (segments.size() > limits::kSecretPathSegments) return bad("it is too deep");
  for (const std::string& segment : segments) {
    if (segment.empty()) return bad("a segment is empty");
    if (segment == "." || segment == "..") return bad(fmt::format("a segment is `{}`", segment));
    for (const char c : segment) {
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
        return bad("it has a character that is not allowed");
    }
  }
  return {};
}

std::vector<cedar::EntityUid> SecretParents(std::string_view path) {
  std::vector<cedar::EntityUid> folders;
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0; slash = path.rfind('/', slash - 1)) {
    folders.push_back({std::string(kSecretFolderType), std::string(path.substr(0, slash))});
  }
  return folders;
}

bool IsInFolder(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path[folder.size()] == '/' && path.starts_with(folder);
}

}  // namespace remit::task
