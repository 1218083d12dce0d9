// The OpenAPI document: operations of OAuth, AuthZEN, the ledger and operations.
#include "api/openapi/parts.h"

namespace remit::api::openapi {

std::vector<Operation> StandardOperations() {
  return {
      {{"get", "/.well-known/oauth-authorization-server", "oauthMetadata", "oauth", "RFC 8414"}, {.open = true, .answers = {{.schema = "Object"}}}},
      {{"get", "/jwks", "jwks", "oauth", "The keys that verify Remit's tokens (RFC 7517)"}, {.open = true, .answers = {{.schema = "Object"}}}},
      {{"get", "/jwks/receipts", "receiptJwks", "ledger", "The keys that verify Remit's receipts (RFC 7517)"},
       {.open = true, .answers = {{.schema = "Object"}}}},
      {{"post", "/token", "token", "oauth", "The token endpoint: client_credentials and token exchange (RFC 8693) with private_key_jwt"},
       {.open = true, .body = "OauthTokenForm", .body_type = kForm, .answers = {{.schema = "OauthTokenAnswer"}}, .failure = "OauthError"}},
      {{"post", "/introspect", "introspect", "oauth", "What a token is worth now (RFC 7662)"},
       {.body = "OneTokenForm", .body_type = kForm, .answers = {{.schema = "Introspection"}}, .failure = "OauthError"}},
      {{"post", "/revoke", "revokeToken", "oauth", "Give a token up (RFC 7009): completes its task"},
       {.body = "OneTokenForm", .body_type = kForm, .answers = {{}}, .failure = "OauthError"}},
      {{"get", "/.well-known/authzen-configuration", "authzenMetadata", "authzen", "AuthZEN's metadata"},
       {.open = true, .answers = {{.schema = "Object"}}}},
      {{"post", "/access/v1/evaluation", "evaluate", "authzen", "May this task do this? Asked by enforcement points; an allow may be charged"},
       {.parameters = {"RequestId", "IdempotencyKey"}, .body = "Evaluation", .answers = {{.schema = "Decision"}}, .failure = "ErrorText"}},
      {{"post", "/access/v1/evaluations", "evaluateMany", "authzen", "Several such questions, in their order"},
       {.parameters = {"RequestId", "IdempotencyKey"}, .body = "Evaluations", .answers = {{.schema = "OneDecisionOrMany"}}, .failure = "ErrorText"}},
      {{"get", "/ledger/checkpoint", "ledgerCheckpoint", "ledger", "The signed tree head, as a note"},
       {.open = true, .answers = {{.schema = "Text", .type = kText}}}},
      {{"get", "/ledger/tile/{path}", "ledgerTile", "ledger", "A tile of the Merkle tree (C2SP tlog-tiles)"},
       {.open = true, .parameters = {"TilePath"}, .answers = {{.schema = "Binary", .type = kBytes}}}},
      {{"get", "/ledger/entries", "ledgerEntries", "ledger", "Events, for the operator"},
       {.parameters = {"EntriesFrom", "EntriesCount"}, .answers = {{.schema = "LedgerEntryList"}}}},
      {{"get", "/healthz", "health", "operations", "The process answers"}, {.open = true, .answers = {{.schema = "Object"}}}},
      {{"get", "/readyz", "ready", "operations", "Nothing is in doubt"},
       {.open = true, .answers = {{.schema = "Readiness"}, {.status = 503, .schema = "Readiness", .description = "something is in doubt"}}}},
      {{"get", "/metrics", "metrics", "operations", "Prometheus' text format"}, {.open = true, .answers = {{.schema = "Text", .type = kText}}}},
      {{"get", "/openapi.json", "openapi", "operations", "This document"}, {.open = true, .answers = {{.schema = "Object"}}}},
  };
}

}  // namespace remit::api::openapi
