// The OpenAPI document: operations of tasks, decisions, approvals and secrets.
#include "api/openapi/parts.h"

namespace remit::api::openapi {

std::vector<Operation> TaskOperations() {
  return {
      {{"post", "/v1/tasks", "startTask", "tasks", "Start a task"},
       {.body = "StartRequest",
        .answers = {{.status = 201,
                     .schema = "StartAnswer",
                     .description = "the task is active, or requested and waits for approval, or scheduled and waits for its time"}}}},
      {{"get", "/v1/tasks", "listTasks", "tasks", "List the tasks that the caller may see"},
       {.parameters = {"TasksInState", "TasksOfType", "TasksOfActor", "TasksLimit", "TasksAfter", "TasksOrder"},
        .answers = {{.schema = "TaskList"}}}},
      {{"get", "/v1/tasks/{id}", "showTask", "tasks", "One task"},
       {.parameters = {"TaskId", "StateWait", "StateSeen"}, .answers = {{.schema = "Task"}}}},
      {{"post", "/v1/tasks/{id}/complete", "completeTask", "tasks", "Complete a task, by its holder or actor"},
       {.parameters = {"TaskId"}, .body = "CompleteRequest", .body_optional = true, .answers = {{.schema = "EndAnswer"}}}},
      {{"post", "/v1/tasks/{id}/revoke", "revokeTask", "tasks", "Revoke a task, by who is permitted to"},
       {.parameters = {"TaskId"}, .body = "StopRequest", .answers = {{.schema = "EndAnswer"}}}},
      {{"post", "/v1/tasks/{id}/withdraw", "withdrawTask", "tasks", "Take back a request, by its holder or actor"},
       {.parameters = {"TaskId"}, .body = "Nothing", .body_optional = true, .answers = {{.schema = "EndAnswer"}}}},
      {{"post", "/v1/tasks/{id}/review", "reviewTask", "tasks",
        "Sign for a task that was started by break-glass and has ended, by a person who may approve it"},
       {.parameters = {"TaskId"}, .body = "ReviewRequest", .body_optional = true, .answers = {{.schema = "Task"}}}},
      {{"get", "/v1/reviews", "listReviews", "tasks", "Tasks that were started by break-glass and that nobody has signed for"},
       {.answers = {{.schema = "ReviewList"}}}},
      {{"post", "/v1/tasks/{id}/heartbeat", "heartbeat", "tasks", "The holder says that it is alive"},
       {.parameters = {"TaskId"}, .body = "Nothing", .body_optional = true, .answers = {{.status = 204}}}},
      {{"get", "/v1/tasks/{id}/hold", "holdTask", "tasks", "Hold a connection: when it closes, the task ends"},
       {.parameters = {"TaskId"}, .answers = {{.schema = "HoldLine", .type = kLines, .description = "one JSON object a line; a tick every 5 s"}}}},
      {{"get", "/v1/tasks/{id}/environment", "taskEnvironment", "tasks", "The variables of its live credentials, for the holder"},
       {.parameters = {"TaskId"}, .answers = {{.schema = "EnvironmentAnswer"}}}},
      {{"get", "/v1/tasks/{id}/receipt", "taskReceipt", "tasks", "The signed receipt of a task that has ended"},
       {.parameters = {"TaskId"}, .answers = {{.schema = "Object"}}}},
      {{"post", "/v1/tasks/{id}/token", "taskToken", "tasks", "A JWT (RFC 9068) for one audience, with REMIT_TOKEN or the holder key"},
       {.parameters = {"TaskId"}, .body = "TokenRequest", .answers = {{.schema = "TokenAnswer"}}}},
      {{"post", "/v1/check", "check", "decisions", "One decision with its reasons; spends nothing"},
       {.description = "One of task and token; a task that gives neither asks about itself.",
        .body = "CheckRequest",
        .answers = {{.schema = "CheckAnswer"}}}},
      {{"post", "/v1/explain", "explain", "decisions", "What such a task could do, and who may start it"},
       {.body = "ExplainRequest", .answers = {{.schema = "Explanation"}}}},
      {{"get", "/v1/approvals", "listApprovals", "approvals", "Requests that wait for a yes"}, {.answers = {{.schema = "ApprovalList"}}}},
      {{"post", "/v1/approvals/{id}/approve", "approve", "approvals", "Say yes to exactly what the hash says"},
       {.parameters = {"ApprovalId"}, .body = "ApproveRequest", .answers = {{.schema = "Object"}}}},
      {{"post", "/v1/approvals/{id}/deny", "deny", "approvals", "Say no"},
       {.parameters = {"ApprovalId"}, .body = "DenyRequest", .answers = {{.schema = "Object"}}}},
      {{"get", "/v1/permissions/{hash}", "readPermissions", "tasks", "The permission set that a token refers to, for its resource server"},
       {.description =
            "Of `permissions_ref` `urn:remit:permissions:<hash>`. The body is what was hashed, byte for byte. For an actor that is registered "
            "with the token's audience, while the token is in force",
        .parameters = {"PermissionsHash", "PermissionsCredential"},
        .answers = {{.schema = "PermissionSet"}}}},
      {{"get", "/v1/secrets/{path}", "readSecret", "secrets", "Read a secret, or list a folder"},
       {.parameters = {"SecretPath", "SecretVersion", "SecretFolder"},
        .answers = {{.schema = "SecretOrNames", .description = "the secret, or with list=true the names"}}}},
      {{"put", "/v1/secrets/{path}", "writeSecret", "secrets", "Write a new version of a secret"},
       {.parameters = {"SecretPath"}, .body = "SecretRequest", .answers = {{.schema = "SecretWritten"}}}},
  };
}

}  // namespace remit::api::openapi
