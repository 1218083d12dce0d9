// A source of facts, read whole or not at all: a file or folder, an https:// URL, or a place in a Git repository. What is read is checked for its
// form alone; what it may say is the server's to decide.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"

namespace remit::cli {

struct SourceOptions {
  std::string ca_file{};  // PEM, for https; "": the system's
};

struct SourceFacts {
  json::Array entities;
  std::string from;    // as the ledger names it: without a query, which may hold a secret
  std::string commit;  // of Git; "": none
  std::string hash;    // SHA-256, hex: of a file its bytes; of a folder what `sha256sum *.json | sha256sum` says

  json::Value ToJson() const;  // {"from", "commit"?, "hash"}
};

// FILE, FOLDER (every *.json in it), https://…, http://… of loopback, git+file:///REPOSITORY[#[REF][:PATH]], git+https://…[#[REF][:PATH]].
// An entity that is there twice with the same content counts once. Errors: `bad-source`, `empty-source` (no entity at all: not said by mistake),
// `bad-entities`, `source-refused`, those of reading, of http::Client and of `git` (git.h).
Result<SourceFacts> ReadSource(const std::string& source, const SourceOptions& options);

// The parts, for tests.
struct HttpSource {
  std::string base, path, from;  // "https://host:1", "/facts.json?key=1", "https://host:1/facts.json"
};
Result<HttpSource> ParseHttpSource(std::string_view url);

struct GitSource {
  std::string url;   // file:///… or https://…
  std::string ref;   // "HEAD" where none was named
  std::string path;  // inside the repository; "": its root
};
Result<GitSource> ParseGitSource(std::string_view source);

}  // namespace remit::cli
