#include "cli/sources/files.h"

#include <set>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cli {
namespace {

// What is there twice in the same words counts once; in other words the server refuses it.
Status Add(const NamedText& file, std::set<std::string>& seen, json::Array& entities) {
  Result<json::Value> document = json::Parse(file.text);
  if (!document) return std::unexpected(std::move(document.error()).Within(EscapeControl(file.name)));
  if (!document->IsArray())
    return Fail(Code::kInvalidArgument, "bad-entities", fmt::format("`{}` is not an array of entities", EscapeControl(file.name)));
  for (json::Value& entity : document->AsArray())
    if (seen.insert(json::Canonical(entity)).second) entities.push_back(std::move(entity));
  return {};
}

// A source that says nothing is more often one that is broken.
Result<SourceFacts> NotEmpty(SourceFacts facts) {
  if (facts.entities.empty())
    return Fail(Code::kFailedPrecondition, "empty-source", "the source has no entity at all, and nothing is changed",
                "to forget every fact, put an empty array: `remit facts put --replace FILE`");
  return facts;
}

}  // namespace

json::Value SourceFacts::ToJson() const {
  json::Object o{{"from", from}, {"hash", hash}};
  if (!commit.empty()) o.Set("commit", commit);
  return o;
}

Result<SourceFacts> FactsOfFile(const NamedText& file) {
  SourceFacts facts;
  std::set<std::string> seen;
  REMIT_TRY(Add(file, seen, facts.entities));
  facts.hash = HexEncode(crypto::Sha256(file.text));
  return NotEmpty(std::move(facts));
}

Result<SourceFacts> FactsOfFolder(const std::vector<NamedText>& files) {
  SourceFacts facts;
  std::set<std::string> seen;
  std::string sums;
  for (const NamedText& file : files) {
    // INVARIANT: a name is one part of one line of what is hashed, or it could say what another file holds.
    if (!IsVisible(file.name))
      return Fail(Code::kInvalidArgument, "bad-source", fmt::format("`{}` is no name for a file of facts", EscapeControl(file.name)),
                  "visible characters alone");
    REMIT_TRY(Add(file, seen, facts.entities));
    sums += fmt::format("{}  {}\n", HexEncode(crypto::Sha256(file.text)), file.name);
  }
  facts.hash = HexEncode(crypto::Sha256(sums));
  return NotEmpty(std::move(facts));
}

}  // namespace remit::cli
