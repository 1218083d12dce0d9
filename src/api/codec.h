// The one place where JSON documents of the REST API become what the broker takes, and what it answers becomes JSON. Pure.
//
// Reading is strict: a field that is unknown, missing or ill-typed is an error with its place (`unknown-field`, `missing-field`,
// `bad-field`). All Read… functions take the parsed body.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/answers.h"
#include "cedar/value.h"
#include "identity/caller.h"
#include "json/value.h"
#include "task/catalog.h"

namespace remit::api {

// An entity as text (`Ns::Type::"id"`) or as {"type", "id"}. Errors: `bad-entity-uid`, `bad-field`.
Result<cedar::EntityUid> ReadUid(const json::Value& value, std::string_view place);
// The uid as it is, if its type is the name of a type. Errors: `bad-entity-uid`.
Result<cedar::EntityUid> CheckUid(cedar::EntityUid uid, std::string_view place);
// The same for actions; a bare name `x` means Action::"x".
Result<cedar::EntityUid> ReadAction(const json::Value& value, std::string_view place);
Result<cedar::EntityUid> ActionOfName(std::string_view name);

// Errors: also `bad-duration` for `ttl`.
Result<broker::StartRequest> ReadStart(const json::Value& body);

// A start, and for whom it runs (`actor`).
Result<broker::DelegateRequest> ReadDelegate(const json::Value& body);

struct ExtendRequest {
  Duration more{};
  std::string reason;
};
Result<ExtendRequest> ReadExtend(const json::Value& body);  // errors: also `bad-duration`

struct EndRequest {
  std::string reason;
  Duration wait{};  // default limits::kCompleteWait
};
enum class ReasonRule { kNone, kRequired };
Result<std::string> ReadNote(const json::Value& body);  // of a review
Result<EndRequest> ReadEnd(const json::Value& body, ReasonRule rule);

// Errors: also `bad-field` where neither or both of `task` and `token` are given, unless `of_itself` names the task that asks.
Result<broker::UseRequest> ReadCheck(const json::Value& body, std::string_view of_itself);

Result<broker::TokenRequest> ReadToken(const json::Value& body, std::string_view task);

Result<broker::ExplainRequest> ReadExplain(const json::Value& body);

struct CatalogRequest {
  std::vector<task::CatalogFile> files;
  broker::LoadOptions options;
};
Result<CatalogRequest> ReadCatalog(const json::Value& body);  // errors: also `bad-file-name`, `too-many-files`, `file-too-large`

struct FactsRequest {
  json::Value entities;  // an array in Cedar's entities form
  bool replace = false;
  broker::FactsOrigin origin;
};
Result<FactsRequest> ReadFacts(const json::Value& body);

Result<broker::ActorRecord> ReadActor(const json::Value& body);
Result<broker::PersonRecord> ReadPerson(const json::Value& body);
Result<Secret> ReadSecretValue(const json::Value& body);  // errors: also `bad-base64`, `secret-too-large`

json::Value ToJson(const broker::StartAnswer& answer);
json::Value ResumedJson(const broker::StartAnswer& answer);  // without what is its holder's alone
json::Value ToJson(const broker::ExtendAnswer& answer);
json::Value ToJson(const broker::EndAnswer& answer);
json::Value ToJson(const broker::UseAnswer& answer);
json::Value ToJson(const broker::TokenAnswer& answer);
json::Value SecretReadJson(const broker::SecretAnswer& answer);     // {value, encoding?, version, written}
json::Value SecretWrittenJson(const broker::SecretAnswer& answer);  // {version, written}
json::Value ToJson(const broker::CatalogAnswer& answer);
json::Value ToJson(const broker::FactsAnswer& answer);
json::Value ToJson(const std::map<std::string, Secret>& environment);
json::Value ToJson(const identity::Caller& caller);
json::Value ToJson(const task::Catalog& catalog);

}  // namespace remit::api
