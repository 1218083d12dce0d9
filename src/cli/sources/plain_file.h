// A file that others may have put there: read whole, and only where it is a plain one. Nothing is waited for, as a pipe would be.
#pragma once

#include <string>

#include "base/result.h"

namespace remit::cli {

// `may_be_link`: the last part of `path` may be a symbolic link; what it leads to is a plain file all the same.
// Errors: `no-such-file`, `cannot-read-file`, `not-a-plain-file`, `file-too-large` (more than `max_bytes`).
Result<std::string> ReadPlainFile(const std::string& path, std::size_t max_bytes, bool may_be_link);

}  // namespace remit::cli
