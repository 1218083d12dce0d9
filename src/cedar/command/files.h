// Files as the commands read and write them; the only place that does.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/policy_json.h"
#include "cedar/schema_json.h"
#include "json/read.h"
#include "json/value.h"

namespace remit::cedar::command {

// The caller names the files: how large they are is theirs to choose. As deep as the deepest document that the library reads and the commands
// write, within another one.
inline constexpr json::Limits kFileJsonLimits{.depth = std::max(kPolicyJsonLimits.depth, kSchemaJsonLimits.depth) + 16,
                                              .bytes = std::size_t{1} << 32};

// `-`: standard input, which can be read once. Errors: `cannot-read`; `usage` where standard input has been read already.
Result<std::string> ReadText(const std::string& file);
Result<json::Value> ReadJson(const std::string& file);                          // errors of ParseJson, too
Result<json::Value> ParseJson(std::string_view text, const std::string& file);  // errors: those of json::Parse, with the file's name

// Replaces the file as a whole: whoever reads it meanwhile, and after any failure, finds what was there before. Links are followed, the mode is
// kept; what is no regular file (a pipe, /dev/stdout) is written into. Errors: `cannot-write`.
Status WriteText(const std::string& file, std::string_view text);

// False also where only a part of the path is there. Errors: `cannot-read` where nobody may say.
Result<bool> Exists(const std::string& file);
Result<bool> IsFolder(const std::string& file);  // the same; false where it does not exist

// As people are shown it: `-` is "<stdin>".
std::string ShownName(const std::string& file);

// `error` at its place within `file`.
Error In(const std::string& file, Error error);

}  // namespace remit::cedar::command
