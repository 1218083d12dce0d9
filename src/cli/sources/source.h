// A source of facts, read whole or not at all: a file or folder, an https:// URL, or a place in a Git repository. What is read is checked for its
// form alone; what it may say is the server's to decide.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/sources/files.h"
#include "cli/sources/git.h"

namespace remit::cli {

struct SourceOptions {
  std::string ca_file{};  // PEM, for https; "": the system's
};

// FILE, FOLDER (every *.json in it), https://…, http://… of loopback, git+file:///REPOSITORY[#[REF][:PATH]], git+https://…[#[REF][:PATH]].
// An entity that is there twice with the same content counts once. Errors: `bad-source`, `empty-source` (no entity at all: not said by mistake),
// `bad-entities`, `source-refused`, those of reading, of http::Client and of `git` (git.h).
Result<SourceFacts> ReadSource(const std::string& source, const SourceOptions& options);

// What the text of a source says, before anything is read: what is refused here, nobody is asked for. Errors: `bad-source`.
struct HttpSource {
  std::string base, path, from;  // "https://host:1", "/facts.json?key=1", "https://host:1/facts.json"
};
Result<HttpSource> ParseHttpSource(std::string_view url);

Result<GitSource> ParseGitSource(std::string_view source);

}  // namespace remit::cli
