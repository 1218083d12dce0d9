// The OpenAPI document: schemas of what is answered, members of `components/schemas`.
#include "api/openapi/parts.h"

namespace remit::api::openapi {

std::string_view AnswerSchemas() {
  return R"json(  "TaskList": {
   "type": "object",
   "properties": {
    "tasks": {"type": "array", "items": {"$ref": "#/components/schemas/Task"}, "description": "in the order of their ids: the oldest first"},
    "more": {"type": "boolean", "description": "there are others behind these: ask again with `after`, the last one's id"}},
   "required": ["tasks", "more"],
   "additionalProperties": false},
  "ReviewList": {
   "type": "object",
   "properties": {"reviews": {"type": "array", "items": {"$ref": "#/components/schemas/Task"}}},
   "required": ["reviews"],
   "additionalProperties": false},
  "HoldLine": {
   "type": "object",
   "properties": {
    "event": {"type": "string", "enum": ["held", "state", "extended", "warning", "tick"]},
    "state": {"$ref": "#/components/schemas/TaskState"},
    "reason": {"type": "string"},
    "deadline": {"type": "string", "format": "date-time"}},
   "required": ["event"]},
  "EnvironmentAnswer": {
   "type": "object",
   "properties": {"environment": {"type": "object", "additionalProperties": {"type": "string"}}},
   "required": ["environment"],
   "additionalProperties": false},
  "Object": {"type": "object"},
  "TokenAnswer": {
   "type": "object",
   "properties": {
    "token": {"type": "string"},
    "expires": {"type": "string", "format": "date-time"},
    "credential": {"type": "string"}},
   "required": ["token", "expires", "credential"],
   "additionalProperties": false},
  "ApprovalList": {
   "type": "object",
   "properties": {"approvals": {"type": "array", "items": {"$ref": "#/components/schemas/Approval"}}},
   "required": ["approvals"],
   "additionalProperties": false},
  "PermissionSet": {"type": "array", "items": {"type": "object"}, "description": "docs/formats.md has its members"},
  "SecretOrNames": {
   "oneOf": [
    {"$ref": "#/components/schemas/Secret"},
    {
     "type": "object",
     "properties": {"folder": {"type": "string"}, "names": {"type": "array", "items": {"type": "string"}}},
     "required": ["folder", "names"],
     "additionalProperties": false}]},
  "SecretWritten": {
   "type": "object",
   "properties": {"version": {"type": "integer", "minimum": 0}, "written": {"type": "string", "format": "date-time"}},
   "required": ["version", "written"],
   "additionalProperties": false},
  "ResumeAnswer": {
   "type": "object",
   "properties": {
    "task": {"$ref": "#/components/schemas/Task"},
    "credentials": {"type": "array", "items": {"$ref": "#/components/schemas/Credential"}},
    "accepted": {"type": "array", "items": {"type": "string"}}},
   "required": ["task", "credentials", "accepted"],
   "additionalProperties": false},
  "ExtendAnswer": {
   "type": "object",
   "properties": {
    "task": {"$ref": "#/components/schemas/Task"},
    "approval": {"type": "string", "description": "apv_…, where it waits"}},
   "required": ["task"],
   "additionalProperties": false},
  "Text": {"type": "string"},
  "Facts": {
   "type": "object",
   "properties": {"hash": {"type": "string"}, "entities": {"type": "array", "items": {"type": "object"}}},
   "required": ["hash", "entities"],
   "additionalProperties": false},
  "FactsAnswer": {
   "type": "object",
   "properties": {
    "hash": {"type": "string"},
    "entities": {"type": "integer", "minimum": 0},
    "approval": {"type": "string", "description": "it waits for people; then there is nothing else"},
    "dry_run": {"const": true},
    "approvals_needed": {"type": "integer", "minimum": 0, "description": "of a dry run: how many people would have to say yes"}},
   "additionalProperties": false},
  "ReplacementAnswer": {
   "type": "object",
   "properties": {"index": {"type": "integer", "minimum": 0, "description": "of the event in the ledger"}},
   "required": ["index"],
   "additionalProperties": false},
  "RegisteredActor": {
   "type": "object",
   "properties": {
    "uid": {"$ref": "#/components/schemas/EntityUid"},
    "client_id": {"type": "string"},
    "jwk": {"type": "object"},
    "unix_uid": {"type": "integer", "minimum": 0},
    "barred": {"type": "boolean"},
    "accounts": {"type": "array", "items": {"type": "string"}},
    "owner": {"$ref": "#/components/schemas/EntityUid"},
    "was_owned_by": {"$ref": "#/components/schemas/FormerOwners"},
    "vouches_for": {"type": "array", "items": {"type": "string"}},
    "audiences": {"type": "array", "items": {"type": "string"}}},
   "required": ["uid", "client_id", "barred"],
   "additionalProperties": false},
  "FormerOwners": {
   "type": "array",
   "items": {
    "type": "object",
    "properties": {"person": {"$ref": "#/components/schemas/EntityUid"}, "until": {"type": "string", "format": "date-time"}},
    "required": ["person", "until"],
    "additionalProperties": false}},
  "ActorList": {
   "type": "object",
   "properties": {"actors": {"type": "array", "items": {"$ref": "#/components/schemas/RegisteredActor"}}},
   "required": ["actors"],
   "additionalProperties": false},
  "PersonList": {
   "type": "object",
   "properties": {"people": {"type": "array", "items": {"$ref": "#/components/schemas/Person"}}},
   "required": ["people"],
   "additionalProperties": false},
  "KeyList": {
   "type": "object",
   "properties": {
    "keys": {
     "type": "array",
     "items": {
      "type": "object",
      "properties": {
       "key": {"type": "string", "enum": ["access", "receipt", "checkpoint"], "description": "what it signs"},
       "kid": {"type": "string", "description": "RFC 7638 thumbprint"},
       "state": {"type": "string", "enum": ["signing", "published", "leaked"]},
       "jwk": {"type": "object", "description": "public"},
       "since": {"type": "string", "format": "date-time", "description": "when it began to sign; not there for a store of before that was kept"},
       "until": {"type": "string", "format": "date-time", "description": "when it signed last"},
       "published_until": {"type": "string", "format": "date-time", "description": "not there: for ever"},
       "verifier": {"type": "string", "description": "of checkpoints: as a signed note names it"}},
      "required": ["key", "kid", "state", "jwk"],
      "additionalProperties": false}}},
   "required": ["keys"],
   "additionalProperties": false},
  "KeyRotateAnswer": {
   "type": "object",
   "properties": {
    "key": {"type": "string"},
    "old": {"type": "string", "description": "kid"},
    "new": {"type": "string", "description": "kid"},
    "since": {"type": "string", "format": "date-time"},
    "published_until": {
     "type": "string", "format": "date-time",
     "description": "of the old one; not there: for ever, or, where it has leaked, not at all"},
    "leaked": {"type": "boolean"},
    "tokens": {
     "type": "integer", "minimum": 0,
     "description": "tokens of tasks that are in force: good until they end, or, where it has leaked, fetched anew"},
    "dry_run": {"const": true},
    "approvals_needed": {"type": "integer", "minimum": 0, "description": "of a dry run"},
    "approval": {"type": "string", "description": "it waits for people: apv_…"}},
   "additionalProperties": false},
  "SignInLink": {
   "type": "object",
   "properties": {"link": {"type": "string"}, "code": {"type": "string"}, "expires": {"type": "string", "format": "date-time"}},
   "required": ["link", "code", "expires"],
   "additionalProperties": false},
  "SignInAnswer": {
   "type": "object",
   "properties": {
    "session": {"type": "string", "description": "rmp_…"},
    "person": {"$ref": "#/components/schemas/Uid"},
    "expires": {"type": "string", "format": "date-time"}},
   "required": ["session", "person", "expires"],
   "additionalProperties": false},
  "WhoAmI": {
   "type": "object",
   "properties": {
    "kind": {"type": "string", "enum": ["nobody", "actor", "person", "task", "holder", "operator"]},
    "uid": {"type": "string"},
    "task": {"type": "string"},
    "set_up": {"type": "boolean", "description": "of the operator: nobody else could load a catalog, so that it administers"}},
   "required": ["kind", "uid"],
   "additionalProperties": false},
  "TargetList": {
   "type": "object",
   "properties": {
    "installation": {"type": "string", "description": "part of every name at a target"},
    "targets": {"type": "array", "items": {"$ref": "#/components/schemas/Target"}}},
   "required": ["targets"],
   "additionalProperties": false},
  "WebhookList": {
   "type": "object",
   "properties": {
    "webhooks": {
     "type": "array",
     "items": {
      "type": "object",
      "properties": {
       "name": {"type": "string"},
       "template": {"type": "string", "enum": ["events", "mail", "slack", "teams"]},
       "host": {"type": "string"},
       "next": {"type": "integer", "description": "the index in the ledger that it comes to next"},
       "behind": {"type": "integer", "description": "events of the ledger that it has not come to"},
       "attempts": {"type": "integer", "description": "of the message that was not taken"},
       "failing_since": {"type": "string", "format": "date-time"},
       "last_error": {"type": "string"}},
      "required": ["name", "template", "host", "next", "behind", "attempts"],
      "additionalProperties": false}}},
   "required": ["webhooks"],
   "additionalProperties": false},
  "DoctorAnswer": {
   "type": "object",
   "properties": {
    "ok": {"type": "boolean", "description": "there is no error"},
    "time": {"type": "string", "format": "date-time"},
    "findings": {
     "type": "array",
     "items": {
      "type": "object",
      "properties": {
       "check": {"type": "string"},
       "status": {"type": "string", "enum": ["ok", "warning", "error"]},
       "what": {"type": "string"},
       "hint": {"type": "string"}},
      "required": ["check", "status", "what"],
      "additionalProperties": false}}},
   "required": ["ok", "time", "findings"],
   "additionalProperties": false},
  "OauthTokenAnswer": {
   "type": "object",
   "properties": {
    "access_token": {"type": "string"},
    "token_type": {"const": "Bearer"},
    "issued_token_type": {
     "enum": ["urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:jwt"],
     "description": "of an exchange"},
    "expires_in": {"type": "integer", "minimum": 0},
    "authorization_details": {"type": "array", "items": {"type": "object"}},
    "remit_task": {"type": "string"},
    "remit_token": {"type": "string"},
    "remit_holder_key": {"type": "string"},
    "remit_state": {"$ref": "#/components/schemas/TaskState"},
    "remit_approval": {"type": "string"}},
   "required": ["access_token", "token_type"]},
  "Introspection": {"type": "object", "properties": {"active": {"type": "boolean"}}, "required": ["active"]},
  "OneDecisionOrMany": {
   "oneOf": [
    {
     "type": "object",
     "properties": {"evaluations": {"type": "array", "items": {"$ref": "#/components/schemas/Decision"}}},
     "required": ["evaluations"],
     "additionalProperties": false},
    {"$ref": "#/components/schemas/Decision"}]},
  "Binary": {"type": "string", "format": "binary"},
  "LedgerEntryList": {
   "type": "object",
   "properties": {"entries": {"type": "array", "items": {"$ref": "#/components/schemas/LedgerEntry"}}},
   "required": ["entries"],
   "additionalProperties": false},
  "Readiness": {
   "type": "object",
   "properties": {"ready": {"type": "boolean"}, "doubts": {"type": "array", "items": {"type": "string"}}},
   "required": ["ready", "doubts"],
   "additionalProperties": false})json";
}

}  // namespace remit::api::openapi
