// For tests: catalogs from text and from the folder catalogs/.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cedar/entities.h"
#include "json/read.h"
#include "task/catalog.h"

namespace remit::task {

inline std::string Describe(const std::vector<cedar::Diagnostic>& findings) {
  std::string text;
  for (const cedar::Diagnostic& d : findings) text += d.span.ToString() + " " + d.reason + ": " + d.message + " (" + d.hint + ")\n";
  return text;
}

inline std::shared_ptr<const Catalog> MustLoad(std::vector<CatalogFile> files, const PermissionCheck& check = {}) {
  Catalog::Loaded loaded = Catalog::Load(std::move(files), check);
  EXPECT_NE(loaded.catalog, nullptr) << Describe(loaded.errors);
  return loaded.catalog;
}

// The first error's reason, "" where it loads.
inline std::string Refusal(const std::string& schema, const std::string& policies) {
  const Catalog::Loaded loaded = Catalog::Load({{"a.cedarschema", schema}, {"a.cedar", policies}});
  return loaded.errors.empty() ? "" : loaded.errors[0].reason;
}

inline cedar::Entities MustRead(const Catalog& catalog, const std::string& facts) {
  const auto entities = cedar::Entities::FromJson(json::Parse(facts).value(), &catalog.schema());
  EXPECT_TRUE(entities) << entities.error().ToString();
  return entities.value_or(cedar::Entities());
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// All files of catalogs/NAME that make up the catalog, named NAME/….
inline std::vector<CatalogFile> ReadyMade(const std::string& name) {
  std::vector<CatalogFile> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(REMIT_SOURCE_DIR) / "catalogs" / name)) {
    const std::string extension = entry.path().extension();
    if (extension == ".cedar" || extension == ".cedarschema")
      files.push_back({name + "/" + entry.path().filename().string(), ReadFile(entry.path())});
  }
  return files;
}

inline json::Value ReadToml(const std::filesystem::path& path) {
  const std::string command =
      "/usr/bin/python3 -c 'import json,sys,tomllib; print(json.dumps(tomllib.load(open(sys.argv[1],\"rb\"))))' '" + path.string() + "'";
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer;
  while (const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), n);
  EXPECT_EQ(pclose(pipe), 0);
  return json::Parse(text).value();
}

}  // namespace remit::task
