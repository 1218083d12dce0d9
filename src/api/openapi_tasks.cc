// The OpenAPI document: paths of tasks, decisions, approvals and secrets, members of `paths`.
#include "api/openapi_parts.h"

namespace remit::api::openapi {

std::string_view TaskPaths() {
  return R"json("/v1/tasks": {
  "post": {
   "operationId": "startTask",
   "tags": ["tasks"],
   "summary": "Start a task",
   "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/StartRequest"}}}},
   "responses": {
    "201": {
     "description": "the task is active, or requested and waits for approval, or scheduled and waits for its time",
     "content": {"application/json": {"schema": {"$ref": "#/components/schemas/StartAnswer"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}},
  "get": {
   "operationId": "listTasks",
   "tags": ["tasks"],
   "summary": "List the tasks that the caller may see",
   "parameters": [
    {
     "name": "state",
     "in": "query",
     "schema": {"type": "string"},
     "description": "a state, or `ended`; default: all that live"},
    {"name": "type", "in": "query", "schema": {"type": "string"}},
    {"name": "actor", "in": "query", "schema": {"type": "string"}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
    {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "the id to go on behind"}],
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"tasks": {"type": "array", "items": {"$ref": "#/components/schemas/Task"}}},
        "required": ["tasks"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}": {
  "get": {
   "operationId": "showTask",
   "tags": ["tasks"],
   "summary": "One task",
   "parameters": [
    {"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"},
    {
     "name": "wait",
     "in": "query",
     "schema": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"},
     "description": "answer when its state is another than `state`, or after this span"},
    {"name": "state", "in": "query", "schema": {"type": "string"}, "description": "default: its present state"}],
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/complete": {
  "post": {
   "operationId": "completeTask",
   "tags": ["tasks"],
   "summary": "Complete a task, by its holder or actor",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "requestBody": {
    "required": false,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"wait": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"}},
       "additionalProperties": false}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/EndAnswer"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/revoke": {
  "post": {
   "operationId": "revokeTask",
   "tags": ["tasks"],
   "summary": "Revoke a task, by who is permitted to",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"reason": {"type": "string"}, "wait": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"}},
       "required": ["reason"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/EndAnswer"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/withdraw": {
  "post": {
   "operationId": "withdrawTask",
   "tags": ["tasks"],
   "summary": "Take back a request, by its holder or actor",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "requestBody": {
    "required": false,
    "content": {"application/json": {"schema": {"type": "object", "properties": {}, "additionalProperties": false}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/EndAnswer"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/review": {
  "post": {
   "operationId": "reviewTask",
   "tags": ["tasks"],
   "summary": "Sign for a task that was started by break-glass and has ended, by a person who may approve it",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "requestBody": {
    "required": false,
    "content": {
     "application/json": {"schema": {"type": "object", "properties": {"note": {"type": "string"}}, "additionalProperties": false}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/reviews": {
  "get": {
   "operationId": "listReviews",
   "tags": ["tasks"],
   "summary": "Tasks that were started by break-glass and that nobody has signed for",
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"reviews": {"type": "array", "items": {"$ref": "#/components/schemas/Task"}}},
        "required": ["reviews"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/heartbeat": {
  "post": {
   "operationId": "heartbeat",
   "tags": ["tasks"],
   "summary": "The holder says that it is alive",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "requestBody": {
    "required": false,
    "content": {"application/json": {"schema": {"type": "object", "properties": {}, "additionalProperties": false}}}},
   "responses": {"204": {"description": "done"}, "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/hold": {
  "get": {
   "operationId": "holdTask",
   "tags": ["tasks"],
   "summary": "Hold a connection: when it closes, the task ends",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "responses": {
    "200": {
     "description": "one JSON object a line; a tick every 5 s",
     "content": {
      "application/x-ndjson": {
       "schema": {
        "type": "object",
        "properties": {
         "event": {"type": "string", "enum": ["held", "state", "warning", "tick"]},
         "state": {"$ref": "#/components/schemas/TaskState"},
         "reason": {"type": "string"},
         "deadline": {"type": "string", "format": "date-time"}},
        "required": ["event"]}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/environment": {
  "get": {
   "operationId": "taskEnvironment",
   "tags": ["tasks"],
   "summary": "The variables of its live credentials, for the holder",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"environment": {"type": "object", "additionalProperties": {"type": "string"}}},
        "required": ["environment"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/receipt": {
  "get": {
   "operationId": "taskReceipt",
   "tags": ["tasks"],
   "summary": "The signed receipt of a task that has ended",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/token": {
  "post": {
   "operationId": "taskToken",
   "tags": ["tasks"],
   "summary": "A JWT (RFC 9068) for one audience, with REMIT_TOKEN or the holder key",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"audience": {"type": "string"}, "offline": {"type": "boolean"}},
       "required": ["audience"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {
         "token": {"type": "string"},
         "expires": {"type": "string", "format": "date-time"},
         "credential": {"type": "string"}},
        "required": ["token", "expires", "credential"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/check": {
  "post": {
   "operationId": "check",
   "tags": ["decisions"],
   "summary": "One decision with its reasons; spends nothing",
   "description": "One of task and token; a task that gives neither asks about itself.",
   "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CheckRequest"}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CheckAnswer"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/explain": {
  "post": {
   "operationId": "explain",
   "tags": ["decisions"],
   "summary": "What such a task could do, and who may start it",
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"type": {"type": "string"}, "parameters": {"type": "object"}, "from_text": {"type": "boolean"}},
       "required": ["type"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Explanation"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/approvals": {
  "get": {
   "operationId": "listApprovals",
   "tags": ["approvals"],
   "summary": "Requests that wait for a yes",
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"approvals": {"type": "array", "items": {"$ref": "#/components/schemas/Approval"}}},
        "required": ["approvals"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/approvals/{id}/approve": {
  "post": {
   "operationId": "approve",
   "tags": ["approvals"],
   "summary": "Say yes to exactly what the hash says",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "apv_…"}],
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"hash": {"type": "string"}},
       "required": ["hash"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/approvals/{id}/deny": {
  "post": {
   "operationId": "deny",
   "tags": ["approvals"],
   "summary": "Say no",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "apv_…"}],
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"reason": {"type": "string"}},
       "required": ["reason"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/secrets/{path}": {
  "get": {
   "operationId": "readSecret",
   "tags": ["secrets"],
   "summary": "Read a secret, or list a folder",
   "parameters": [
    {
     "name": "path",
     "in": "path",
     "schema": {"type": "string"},
     "required": true,
     "description": "segments of [a-z0-9._-]+, joined by /"},
    {"name": "version", "in": "query", "schema": {"type": "integer", "minimum": 1}},
    {"name": "list", "in": "query", "schema": {"const": "true"}}],
   "responses": {
    "200": {
     "description": "the secret, or with list=true the names",
     "content": {
      "application/json": {
       "schema": {
        "oneOf": [
         {"$ref": "#/components/schemas/Secret"},
         {
          "type": "object",
          "properties": {"folder": {"type": "string"}, "names": {"type": "array", "items": {"type": "string"}}},
          "required": ["folder", "names"],
          "additionalProperties": false}]}}}},
    "default": {"$ref": "#/components/responses/Problem"}}},
  "put": {
   "operationId": "writeSecret",
   "tags": ["secrets"],
   "summary": "Write a new version of a secret",
   "parameters": [{"name": "path", "in": "path", "schema": {"type": "string"}, "required": true}],
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"value": {"type": "string"}, "encoding": {"const": "base64"}},
       "required": ["value"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "done",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"version": {"type": "integer", "minimum": 0}, "written": {"type": "string", "format": "date-time"}},
        "required": ["version", "written"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}})json";
}

}  // namespace remit::api::openapi
