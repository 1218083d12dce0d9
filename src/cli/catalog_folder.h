// Catalogs as folders: .cedarschema and .cedar files, *.test.toml, and a first set of facts in facts.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "task/catalog.h"

namespace remit::cli {

struct CatalogFolders {
  std::vector<task::CatalogFile> files;  // schemas and policies; a file that several folders hold with the same text counts once
  std::vector<task::CatalogFile> tests;  // *.test.toml
  json::Array facts;                     // of every facts.json; an entity that is there twice with the same content counts once
};

// What a file of facts looks like, for who wrote another one.
inline constexpr std::string_view kFactsForm = R"(facts are an array: [{"uid": {"type": "Team", "id": "support"}, "attrs": {}, "parents": []}, …])";

// Reads the folders as one catalog; names of files are FOLDER/FILE. Errors: `no-such-folder`, `empty-catalog`, `catalog-too-large`, those of reading.
Result<CatalogFolders> ReadCatalogFolders(const std::vector<std::string>& folders);

// Whether the facts are entities as the catalog declares them, so that nothing is loaded where they are not. A catalog with errors says nothing of
// its facts. Errors: `bad-entities`, `entity-does-not-validate`, …
Status CheckFacts(const CatalogFolders& folders);

}  // namespace remit::cli
