// Facts: the entities that policies may ask about.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "cedar/entities.h"
#include "json/value.h"

namespace remit::broker {

// Facts, as of one moment.
struct FactSet {
  cedar::Entities entities;
  std::map<std::string, json::Value> documents;  // by uid
  std::string hash;
};

// Facts from entity documents, by uid, checked against the schema. Errors: those of cedar::Entities::FromJson.
Result<std::shared_ptr<const FactSet>> BuildFacts(std::map<std::string, json::Value> documents, const cedar::Schema& schema);

}  // namespace remit::broker
