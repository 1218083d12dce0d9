// The part of `remit run` between asking for a task and having it: people say yes, targets make what it holds.
#pragma once

#include <map>
#include <string>

#include "base/secret.h"
#include "cli/remote.h"
#include "cli/run/calls.h"
#include "json/value.h"

namespace remit::cli {

// A task that was asked for: what POST /v1/tasks answered.
struct AskedTask {
  std::string id;
  Secret token, holder;
  std::string approval;  // "": none is needed
  bool waited = false;   // it was not active at once
  json::Value task, credentials, accepted;
  std::map<std::string, Secret> environment;
};
Result<AskedTask> ReadAnswer(json::Value answer);  // errors: `bad-response`

// A request about this task with its holder key; `body` null: none.
http::ClientRequest HolderRequest(const AskedTask& asked, std::string method, const std::string& tail, const json::Value& body = {});

// The task as its starter sees it, also when it has ended. Opens a new session where the old one is over.
Result<json::Value> ShowAsStarter(const Remote& starter, const std::string& task, Duration limit);

// Ends a task whose command will not run: withdraws the request, or completes what is active.
void Abandon(const Remote& starter, const AskedTask& asked);

// Waits until people have said yes, and the task is active or scheduled; it and its credentials are then as the server shows them. A no, the
// end of `wait` or an end of the request: `not-approved`. A signal: `interrupted`, with its number in `signal`. After an error: Abandon.
Status AwaitApproval(const Remote& starter, AskedTask& asked, Duration wait, SignalInbox& signals, int& signal);

// Waits for the time of a task that is scheduled; it is then active, or requested again where what was approved is not what it would be now.
// Errors: those of AwaitApproval.
Status AwaitTime(const Remote& starter, AskedTask& asked, SignalInbox& signals, int& signal);

// Waits until every credential that is at a target is live, and fetches the environment. Errors: `credentials-not-live`, `task-ended-first`,
// `interrupted`.
Status AwaitCredentials(const Remote& starter, AskedTask& asked, SignalInbox& signals, int& signal);

}  // namespace remit::cli
