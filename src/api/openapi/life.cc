// The OpenAPI document: operations of what changes the life of a task that runs.
#include "api/openapi/parts.h"

namespace remit::api::openapi {

std::vector<Operation> LifeOperations() {
  return {
      {{"post", "/v1/tasks/{id}/suspend", "suspendTask", "tasks", "Suspend a task and its sub-tasks, by who is permitted to"},
       {.parameters = {"TaskId"}, .body = "StopRequest", .answers = {{.schema = "EndAnswer"}}}},
      {{"post", "/v1/tasks/{id}/resume", "resumeTask", "tasks", "Let a suspended task go on, with those of its sub-tasks that stopped with it"},
       {.parameters = {"TaskId"},
        .body = "Nothing",
        .body_optional = true,
        .answers = {{.schema = "ResumeAnswer", .description = "it is active, and its credentials are planned anew"}}}},
      {{"post", "/v1/tasks/{id}/extend", "extendTask", "tasks", "Ask for more time, by the holder or who is permitted to"},
       {.parameters = {"TaskId"},
        .body = "ExtendRequest",
        .answers = {{.schema = "ExtendAnswer", .description = "its deadline is later, or the request waits for approval"}}}},
      {{"post", "/v1/tasks/{id}/delegate", "delegateTask", "tasks", "Start a sub-task, by the holder or the actor of its parent"},
       {.parameters = {"TaskId"},
        .body = "DelegateRequest",
        .answers = {{.status = 201, .schema = "StartAnswer", .description = "the sub-task is active, or requested and waits for approval"}}}},
  };
}

}  // namespace remit::api::openapi
