// Catalogs as folders: .cedarschema and .cedar files, *.test.toml, and a first set of facts in facts.json.
#pragma once

#include <string>
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

// Reads the folders as one catalog; names of files are FOLDER/FILE. Errors: `no-such-folder`, `empty-catalog`, `catalog-too-large`, those of reading.
Result<CatalogFolders> ReadCatalogFolders(const std::vector<std::string>& folders);

}  // namespace remit::cli
