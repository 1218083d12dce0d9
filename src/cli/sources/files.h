// Files of facts, put together: what a folder, or a folder of a commit, says as a whole.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace remit::cli {

// What a source said, and how the ledger names it.
struct SourceFacts {
  json::Array entities;
  std::string from;    // as the ledger names it: without a query, which may hold a secret
  std::string commit;  // of Git; "": none
  std::string hash;    // SHA-256, hex: of a file its bytes; of a folder what `sha256sum *.json | sha256sum` says

  json::Value ToJson() const;  // {"from", "commit"?, "hash"}
};

struct NamedText {
  std::string name, text;
};

// One file, or those of a folder in the order of their names. Fills `entities` and `hash`. Errors: `bad-entities`, `empty-source`,
// those of JSON; of a folder `bad-source` (a file's name is not visible).
Result<SourceFacts> FactsOfFile(const NamedText& file);
Result<SourceFacts> FactsOfFolder(const std::vector<NamedText>& files);

}  // namespace remit::cli
