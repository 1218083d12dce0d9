// The OpenAPI document: paths of OAuth, AuthZEN, the ledger and operations, members of `paths`.
#include "api/openapi_parts.h"

namespace remit::api::openapi {

std::string_view StandardPaths() {
  return R"json("/.well-known/oauth-authorization-server": {
  "get": {
   "operationId": "oauthMetadata",
   "tags": ["oauth"],
   "summary": "RFC 8414",
   "security": [],
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/jwks": {
  "get": {
   "operationId": "jwks",
   "tags": ["oauth"],
   "summary": "The keys that verify Remit's tokens and receipts (RFC 7517)",
   "security": [],
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/token": {
  "post": {
   "operationId": "token",
   "tags": ["oauth"],
   "summary": "The token endpoint: client_credentials with private_key_jwt",
   "security": [],
   "requestBody": {
    "required": true,
    "content": {
     "application/x-www-form-urlencoded": {
      "schema": {
       "type": "object",
       "properties": {
        "grant_type": {"const": "client_credentials"},
        "authorization_details": {
         "type": "string",
         "description": "JSON: [{type: remit_task, task_type, parameters?, reason?, ttl?, offline?}]"},
        "resource": {"type": "string", "description": "RFC 8707: the resource server that the JWT is for"},
        "scope": {"type": "string"},
        "client_id": {"type": "string"},
        "client_assertion": {"type": "string"},
        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}},
       "required": ["grant_type", "client_assertion", "client_assertion_type"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {
         "access_token": {"type": "string"},
         "token_type": {"const": "Bearer"},
         "expires_in": {"type": "integer", "minimum": 0},
         "authorization_details": {"type": "array", "items": {"type": "object"}},
         "remit_task": {"type": "string"},
         "remit_token": {"type": "string"},
         "remit_holder_key": {"type": "string"},
         "remit_state": {"$ref": "#/components/schemas/TaskState"},
         "remit_approval": {"type": "string"}},
        "required": ["access_token", "token_type"]}}}},
    "default": {"$ref": "#/components/responses/OauthError"}}}},
"/introspect": {
  "post": {
   "operationId": "introspect",
   "tags": ["oauth"],
   "summary": "What a token is worth now (RFC 7662)",
   "requestBody": {
    "required": true,
    "content": {
     "application/x-www-form-urlencoded": {
      "schema": {
       "type": "object",
       "properties": {
        "token": {"type": "string"},
        "token_type_hint": {"type": "string"},
        "client_id": {"type": "string"},
        "client_assertion": {"type": "string"},
        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}},
       "required": ["token"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {"schema": {"type": "object", "properties": {"active": {"type": "boolean"}}, "required": ["active"]}}}},
    "default": {"$ref": "#/components/responses/OauthError"}}}},
"/revoke": {
  "post": {
   "operationId": "revokeToken",
   "tags": ["oauth"],
   "summary": "Give a token up (RFC 7009): completes its task",
   "requestBody": {
    "required": true,
    "content": {
     "application/x-www-form-urlencoded": {
      "schema": {
       "type": "object",
       "properties": {
        "token": {"type": "string"},
        "token_type_hint": {"type": "string"},
        "client_id": {"type": "string"},
        "client_assertion": {"type": "string"},
        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}},
       "required": ["token"],
       "additionalProperties": false}}}},
   "responses": {"200": {"description": "done"}, "default": {"$ref": "#/components/responses/OauthError"}}}},
"/.well-known/authzen-configuration": {
  "get": {
   "operationId": "authzenMetadata",
   "tags": ["authzen"],
   "summary": "AuthZEN's metadata",
   "security": [],
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/access/v1/evaluation": {
  "post": {
   "operationId": "evaluate",
   "tags": ["authzen"],
   "summary": "May this task do this? Asked by enforcement points; an allow may be charged",
   "parameters": [
    {"name": "X-Request-ID", "in": "header", "schema": {"type": "string"}},
    {
     "name": "Idempotency-Key",
     "in": "header",
     "schema": {"type": "string"},
     "description": "the same key gets the same answer: a use is charged once"}],
   "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Evaluation"}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Decision"}}}},
    "default": {"$ref": "#/components/responses/ErrorText"}}}},
"/access/v1/evaluations": {
  "post": {
   "operationId": "evaluateMany",
   "tags": ["authzen"],
   "summary": "Several such questions, in their order",
   "parameters": [
    {"name": "X-Request-ID", "in": "header", "schema": {"type": "string"}},
    {
     "name": "Idempotency-Key",
     "in": "header",
     "schema": {"type": "string"},
     "description": "the same key gets the same answer: a use is charged once"}],
   "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Evaluations"}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "oneOf": [
         {
          "type": "object",
          "properties": {"evaluations": {"type": "array", "items": {"$ref": "#/components/schemas/Decision"}}},
          "required": ["evaluations"],
          "additionalProperties": false},
         {"$ref": "#/components/schemas/Decision"}]}}}},
    "default": {"$ref": "#/components/responses/ErrorText"}}}},
"/ledger/checkpoint": {
  "get": {
   "operationId": "ledgerCheckpoint",
   "tags": ["ledger"],
   "summary": "The signed tree head, as a note",
   "security": [],
   "responses": {
    "200": {"description": "done", "content": {"text/plain": {"schema": {"type": "string"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/ledger/tile/{path}": {
  "get": {
   "operationId": "ledgerTile",
   "tags": ["ledger"],
   "summary": "A tile of the Merkle tree (C2SP tlog-tiles)",
   "security": [],
   "parameters": [{"name": "path", "in": "path", "schema": {"type": "string"}, "required": true, "description": "L/N or L/N.p/W"}],
   "responses": {
    "200": {
     "description": "done",
     "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/ledger/entries": {
  "get": {
   "operationId": "ledgerEntries",
   "tags": ["ledger"],
   "summary": "Events, for the operator",
   "parameters": [
    {"name": "from", "in": "query", "schema": {"type": "integer", "minimum": 0}},
    {"name": "count", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}}],
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"entries": {"type": "array", "items": {"$ref": "#/components/schemas/LedgerEntry"}}},
        "required": ["entries"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/healthz": {
  "get": {
   "operationId": "health",
   "tags": ["operations"],
   "summary": "The process answers",
   "security": [],
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/readyz": {
  "get": {
   "operationId": "ready",
   "tags": ["operations"],
   "summary": "Nothing is in doubt",
   "security": [],
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"ready": {"type": "boolean"}, "doubts": {"type": "array", "items": {"type": "string"}}},
        "required": ["ready", "doubts"],
        "additionalProperties": false}}}},
    "503": {
     "description": "something is in doubt",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"ready": {"type": "boolean"}, "doubts": {"type": "array", "items": {"type": "string"}}},
        "required": ["ready", "doubts"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/metrics": {
  "get": {
   "operationId": "metrics",
   "tags": ["operations"],
   "summary": "Prometheus' text format",
   "security": [],
   "responses": {
    "200": {"description": "done", "content": {"text/plain": {"schema": {"type": "string"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/openapi.json": {
  "get": {
   "operationId": "openapi",
   "tags": ["operations"],
   "summary": "This document",
   "security": [],
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}})json";
}

}  // namespace remit::api::openapi
