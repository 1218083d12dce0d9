// Facts from what was put: read strictly against the schema, and named by a hash of their own.
#include "broker/live/fact_set.h"

#include "base/bytes.h"
#include "crypto/hash.h"
#include "json/write.h"

namespace remit::broker {

Result<std::shared_ptr<const FactSet>> BuildFacts(std::map<std::string, json::Value> documents, const cedar::Schema& schema) {
  json::Array array;
  for (const auto& [uid, document] : documents) array.push_back(document);
  json::Value all(std::move(array));
  auto facts = std::make_shared<FactSet>();
  REMIT_ASSIGN(facts->entities, cedar::Entities::FromJson(all, &schema));
  facts->hash = HexEncode(crypto::Sha256(json::Canonical(all)));
  facts->documents = std::move(documents);
  return std::shared_ptr<const FactSet>(std::move(facts));
}

}  // namespace remit::broker
