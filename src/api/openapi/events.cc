// The OpenAPI document: operations of what is told, and how the server is.
#include "api/openapi/parts.h"

namespace remit::api::openapi {

std::vector<Operation> EventOperations() {
  return {
      {{"get", "/v1/events", "followEvents", "events", "What happens, as it happens (server-sent events), of what the caller may see"},
       {.parameters = {"EventsOfTask", "EventsOfType", "EventsFrom", "EventsUntil", "LastEventId"},
        .answers = {{.schema = "Text",
                     .type = kEventStream,
                     .description =
                         "a stream that goes on: `id` is the index in the ledger, `event` the type, `data` the event as it stands in the ledger"}}}},
      {{"get", "/v1/webhooks", "listWebhooks", "events", "Who is told, and how far he is (who administers)"},
       {.answers = {{.schema = "WebhookList"}}}},
      {{"get", "/v1/doctor", "doctor", "operations", "Is everything as it should be? (who administers)"},
       {.answers = {{.schema = "DoctorAnswer", .description = "what was looked at"}}}},
      {{"get", "/approvals/{id}", "approvalPage", "events",
        "What a message's link leads to: how to look at a request and answer it. The same for every id"},
       {.open = true, .parameters = {"ApprovalId"}, .answers = {{.schema = "Text", .type = kText}}}},
      {{"get", "/tasks/{id}", "taskPage", "events", "What a message's link leads to: how to look at a task. The same for every id"},
       {.open = true, .parameters = {"TaskId"}, .answers = {{.schema = "Text", .type = kText}}}},
  };
}

}  // namespace remit::api::openapi
