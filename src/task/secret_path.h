// Paths of secrets: names and a hierarchy in one. `prod/db/password` lies in the folders `prod/db` and `prod`, without anyone saying so.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "cedar/value.h"

namespace remit::task {

// Segments of [a-z0-9._-]+ between single slashes, none empty, `.` or `..`; limits::kSecretPathBytes, kSecretPathSegments.
// Also for folders. Errors: `bad-secret-path`.
Status CheckSecretPath(std::string_view path);

// Whether a path or folder lies in the folder, at whatever depth.
bool IsInFolder(std::string_view path, std::string_view folder);

// Secret::Folder of every folder that a path (or a folder) lies in, the nearest first.
std::vector<cedar::EntityUid> SecretParents(std::string_view path);

}  // namespace remit::task
