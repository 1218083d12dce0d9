// The OpenAPI document: paths that change the life of a task that runs, members of `paths`.
#include "api/openapi_parts.h"

namespace remit::api::openapi {

std::string_view LifePaths() {
  return R"json("/v1/tasks/{id}/suspend": {
  "post": {
   "operationId": "suspendTask",
   "tags": ["tasks"],
   "summary": "Suspend a task and its sub-tasks, by who is permitted to",
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
"/v1/tasks/{id}/resume": {
  "post": {
   "operationId": "resumeTask",
   "tags": ["tasks"],
   "summary": "Let a suspended task go on, with those of its sub-tasks that stopped with it",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "requestBody": {
    "required": false,
    "content": {"application/json": {"schema": {"type": "object", "properties": {}, "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "it is active, and its credentials are planned anew",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {
         "task": {"$ref": "#/components/schemas/Task"},
         "credentials": {"type": "array", "items": {"$ref": "#/components/schemas/Credential"}},
         "accepted": {"type": "array", "items": {"type": "string"}}},
        "required": ["task", "credentials", "accepted"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/extend": {
  "post": {
   "operationId": "extendTask",
   "tags": ["tasks"],
   "summary": "Ask for more time, by the holder or who is permitted to",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_…"}],
   "requestBody": {
    "required": true,
    "content": {
     "application/json": {
      "schema": {
       "type": "object",
       "properties": {"more": {"type": "string", "description": "a span of time: 15m, 1h30m, 90s"}, "reason": {"type": "string"}},
       "required": ["more"],
       "additionalProperties": false}}}},
   "responses": {
    "200": {
     "description": "its deadline is later, or the request waits for approval",
     "content": {
      "application/json": {
       "schema": {
        "type": "object",
        "properties": {"task": {"$ref": "#/components/schemas/Task"}, "approval": {"type": "string", "description": "apv_…, where it waits"}},
        "required": ["task"],
        "additionalProperties": false}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}},
"/v1/tasks/{id}/delegate": {
  "post": {
   "operationId": "delegateTask",
   "tags": ["tasks"],
   "summary": "Start a sub-task, by the holder or the actor of its parent",
   "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}, "required": true, "description": "tsk_… of the parent"}],
   "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DelegateRequest"}}}},
   "responses": {
    "201": {
     "description": "the sub-task is active, or requested and waits for approval",
     "content": {"application/json": {"schema": {"$ref": "#/components/schemas/StartAnswer"}}}},
    "default": {"$ref": "#/components/responses/Problem"}}}})json";
}

}  // namespace remit::api::openapi
