// Answers questions of other programs about the language: one JSON object in, one out. What scripts/cedar-diff holds against the
// reference implementation.
//
// A question is {"op": …, …}; policies are "policies": text, or "policySet": {"staticPolicies": {id: text | JSON}, "templates":
// {id: text | JSON}, "templateLinks": [{"templateId", "newId", "values"}]}; a schema is text or the JSON form. The answer has "ok": true and
// what was asked for, or "ok": false with "stage" (what could not be read) and "message".
#pragma once

#include "json/value.h"

namespace remit::cedar::command {

json::Object AnswerCase(const json::Value& question);

}  // namespace remit::cedar::command
