// `*.test.toml`: expected decisions beside a catalog, and which of its policies they reach. docs/reference/catalog-tests.md describes the
// file for people. Pure: the file comes as JSON, read from TOML by whoever calls.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/entities.h"
#include "json/value.h"
#include "task/catalog.h"

namespace remit::task {

struct CatalogTestReport {
  struct Failure {
    std::string place;    // "deploy.test.toml: case 3 `and no other`"
    std::string message;  // "expected allow, got deny (no-permit)"
  };
  std::size_t passed = 0;
  std::vector<Failure> failures;
  std::set<std::string> reached;  // ids of policies that were satisfied in a case

  void Add(CatalogTestReport other);
};

// Runs all cases of one file. `facts` are the entities of the catalog's facts.json (read with the catalog's schema). Errors of the file
// itself (unknown fields, ill-typed ones): `unknown-field`, `missing-field`, `bad-field`, with the place.
Result<CatalogTestReport> RunCatalogTests(const Catalog& catalog, const json::Value& document, std::string_view file_name,
                                          const cedar::EntityView& facts);

// Policies that no case reached, in the order of the catalog.
std::vector<cedar::PolicyPtr> Unreached(const Catalog& catalog, const CatalogTestReport& report);

}  // namespace remit::task
