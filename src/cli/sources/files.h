// Files of facts, put together: what a folder, or a folder of a commit, says as a whole.
#pragma once

#include <string>
#include <vector>

#include "cli/sources/source.h"

namespace remit::cli {

struct NamedText {
  std::string name, text;
};

// One file, or those of a folder in the order of their names. Fills `entities` and `hash`. Errors: `bad-entities`, `empty-source`,
// those of JSON; of a folder `bad-source` (a file's name is not visible).
Result<SourceFacts> FactsOfFile(const NamedText& file);
Result<SourceFacts> FactsOfFolder(const std::vector<NamedText>& files);

}  // namespace remit::cli
