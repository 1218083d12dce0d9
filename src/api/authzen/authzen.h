// AuthZEN Authorization API 1.0: its documents, read into questions for the broker and written from its answers. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/answers.h"
#include "json/value.h"

namespace remit::api {

// One evaluation (§5). The subject is a task: {"type": "task" or a task type, "id": "tsk_…"}, or {"type": "remit_token", "id": "rmt_…"}.
struct Evaluation {
  broker::UseRequest use;
};

enum class BatchRule { kExecuteAll, kDenyOnFirstDeny, kPermitOnFirstPermit };

// The body of an evaluations request (§7). Without evaluations it is one evaluation (`single`).
struct EvaluationBatch {
  BatchRule rule = BatchRule::kExecuteAll;
  bool single = false;
  std::vector<Result<Evaluation>> items;  // an item that cannot be read is an error of its own
};

// Errors: `unknown-field`, `missing-field`, `bad-field`, `bad-entity-uid`; `unsupported-properties` for properties of an action, which Cedar
// has no place for. A subject's properties are not looked at: what a task is, Remit knows itself.
Result<Evaluation> ReadEvaluation(const json::Value& body);
// Errors: also `too-many-evaluations`.
Result<EvaluationBatch> ReadEvaluations(const json::Value& body);

// {"decision", "context": {"reason", "policies", …}}
json::Value DecisionJson(broker::UseAnswer answer);
// {"decision": false, "context": {"error": {"status", "message"}}} (§7.2.1)
json::Value FailedDecisionJson(const Error& error);

json::Value AuthzenMetadata(const std::string& issuer);

}  // namespace remit::api
