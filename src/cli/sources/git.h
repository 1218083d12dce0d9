// Files of one commit, by the program `git` in PATH. It is given nothing but what is named here: no configuration of the user's or the machine's, no
// hooks, no submodules, no prompts, no protocol but file and https, no redirects, no work tree. It fetches one commit into a folder that is thrown
// away, and blobs are read out of that.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/sources/files.h"

namespace remit::cli {

// A place in a repository, as ParseGitSource (source.h) reads it.
struct GitSource {
  std::string url;   // file:///… or https://…
  std::string ref;   // "HEAD" where none was named
  std::string path;  // inside the repository; "": its root
};

struct GitFiles {
  std::string commit;            // its whole id
  bool is_folder = false;        // else `files` is one
  std::vector<NamedText> files;  // of a folder its *.json, sorted; links and submodules are none
};

// Within a minute. Errors: `no-git`, `git-failed` (what it said, escaped), `call-timeout`, `no-such-source` (no such branch or tag, or no such path
// in the commit), `ambiguous-source` (a branch and a tag of that name), `source-too-large`.
Result<GitFiles> FetchFromGit(const GitSource& source, const std::string& ca_file);

}  // namespace remit::cli
