// The OpenAPI document: paths of what is told and of how the server is, members of `paths`.
#include "api/openapi_parts.h"

namespace remit::api::openapi {

std::string_view EventPaths() {
  return R"json("/v1/events": {
  "get": {
   "operationId": "followEvents",
   "tags": ["events"],
   "summary": "What happens, as it happens (server-sent events), of what the caller may see",
   "parameters": [
    {"name": "task", "in": "query", "schema": {"type": "string"}, "description": "of one task alone"},
    {
     "name": "type",
     "in": "query",
     "schema": {"type": "string"},
     "description": "types with commas, like `task.started,credential.*`; default: all"},
    {
     "name": "from",
     "in": "query",
     "schema": {"type": "integer", "minimum": 0},
     "description": "the index to begin at; default: what happens next"},
    {
     "name": "Last-Event-ID",
     "in": "header",
     "schema": {"type": "string"},
     "description": "the id of the last event that was read: goes on behind it, whatever `from` says"}],
   "responses": {
    "200": {
     "description": "a stream that goes on: `id` is the index in the ledger, `event` the type, `data` the event as it stands in the ledger",
     "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/webhooks": {
  "get": {
   "operationId": "listWebhooks",
   "tags": ["events"],
   "summary": "Who is told, and how far he is (who administers)",
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
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
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/doctor": {
  "get": {
   "operationId": "doctor",
   "tags": ["operations"],
   "summary": "Is everything as it should be? (who administers)",
   "responses": {
    "200": {
     "description": "what was looked at",
     "content": {
      "application/json": {
       "schema": {
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
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/approvals/{id}": {
  "get": {
   "operationId": "approvalPage",
   "tags": ["events"],
   "summary": "What a message's link leads to: how to look at a request and answer it. The same for every id",
   "security": [],
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "apv_…"}],
   "responses": {
    "200": {"description": "done", "content": {"text/plain": {"schema": {"type": "string"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/tasks/{id}": {
  "get": {
   "operationId": "taskPage",
   "tags": ["events"],
   "summary": "What a message's link leads to: how to look at a task. The same for every id",
   "security": [],
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "responses": {
    "200": {"description": "done", "content": {"text/plain": {"schema": {"type": "string"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}})json";
}

}  // namespace remit::api::openapi
