#include "cli/catalog_folder.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "base/limits.h"
#include "cedar/entities.h"
#include "io/files.h"
#include "json/read.h"

namespace remit::cli {
namespace {

Result<std::vector<std::string>> Names(const std::string& folder) {
  std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), closedir);
  if (!open)
    return Fail(Code::kNotFound, "no-such-folder", fmt::format("cannot read folder `{}`: {}", folder, std::strerror(errno)),
                "name a folder with .cedarschema and .cedar files");
  std::vector<std::string> names;
  while (const dirent* entry = readdir(open.get())) names.emplace_back(entry->d_name);
  std::ranges::sort(names);
  return names;
}

Status AddFacts(json::Array& facts, const std::string& path) {
  REMIT_ASSIGN(std::string text, io::ReadFile(path, limits::kHttpLargeBodyBytes));
  Result<json::Value> document = json::Parse(text);
  if (!document) return std::unexpected(std::move(document.error()).Within(path).Hint(std::string(kFactsForm)));
  if (!document->IsArray())
    return Fail(Code::kInvalidArgument, "bad-entities", fmt::format("`{}` is not an array of entities", path), std::string(kFactsForm));
  for (json::Value& entity : document->AsArray())
    if (std::ranges::find(facts, entity) == facts.end()) facts.push_back(std::move(entity));
  return {};
}

std::string BaseName(std::string folder) {
  while (folder.size() > 1 && folder.ends_with("/")) folder.pop_back();
  return folder.substr(folder.rfind('/') + 1);
}

}  // namespace

Result<CatalogFolders> ReadCatalogFolders(const std::vector<std::string>& folders) {
  CatalogFolders read;
  for (const std::string& folder : folders) {
    REMIT_ASSIGN(std::vector<std::string> names, Names(folder));
    for (const std::string& name : names) {
      std::string path = folder + "/" + name;
      bool declares = name.ends_with(".cedarschema") || name.ends_with(".cedar");
      if (name == "facts.json") REMIT_TRY(AddFacts(read.facts, path));
      if (!declares && !name.ends_with(".test.toml")) continue;
      REMIT_ASSIGN(std::string text, io::ReadFile(path, limits::kCedarFileBytes));
      if (!declares) {
        read.tests.push_back({BaseName(folder) + "/" + name, std::move(text)});
        continue;
      }
      // The same file in several folders, e.g. who works here, is one declaration.
      if (std::ranges::any_of(read.files, [&](const task::CatalogFile& file) { return file.name.ends_with("/" + name) && file.text == text; }))
        continue;
      read.files.push_back({BaseName(folder) + "/" + name, std::move(text)});
    }
  }
  if (read.files.empty())
    return Fail(Code::kInvalidArgument, "empty-catalog", "no .cedarschema or .cedar file there", "name a folder like catalogs/deploy");
  if (read.files.size() > limits::kCatalogFiles)
    return Fail(Code::kInvalidArgument, "catalog-too-large", fmt::format("a catalog has at most {} files", limits::kCatalogFiles));
  return read;
}

Status CheckFacts(const CatalogFolders& folders) {
  const task::Catalog::Loaded loaded = task::Catalog::Load(folders.files);
  if (!loaded.catalog) return {};
  Result<cedar::Entities> facts = cedar::Entities::FromJson(folders.facts, &loaded.catalog->schema());
  if (facts) return {};
  Error error = std::move(facts.error());
  const bool well_formed = error.reason == "entity-does-not-validate";
  if (error.hint.empty()) error.hint = well_formed ? "declare it in a .cedarschema, or mend facts.json" : kFactsForm;
  return std::unexpected(std::move(error).Within("facts.json"));
}

}  // namespace remit::cli
