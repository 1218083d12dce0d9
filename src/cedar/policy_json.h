// Policies as JSON (Cedar's JSON policy format, also called EST), both ways. What is written has the shape that the reference gives: a
// chain behind `has` as a conjunction of tests, an action list of one as that action, and a pattern a character at a time. Pure;
// thread-safe.
#pragma once

#include <string>

#include "base/limits.h"
#include "cedar/ast.h"
#include "cedar/template.h"
#include "json/read.h"
#include "json/value.h"

namespace remit::cedar {

// {"effect", "principal", "action", "resource", "conditions", "annotations" where there are any}; templates too.
json::Value PolicyToJson(const Policy& policy);
json::Value ExprToJson(const Expr& expr);

// Reads a policy or template. Unknown members are refused where the reference refuses them. Errors: `bad-policy-json`, its place the path
// to what is wrong, e.g. "conditions[0].body.&&.left"; also for what has no form in Cedar's text: trees higher than
// limits::kCedarDepth, functions that do not exist, methods without a receiver.
Result<PolicyPtr> PolicyFromJson(const json::Value& document, std::string id);
Result<ExprPtr> ExprFromJson(const json::Value& document);

// {"staticPolicies": {ID: POLICY}, "templates": {ID: POLICY}, "templateLinks": [{"templateId", "newId", "values": {"?principal": {"type",
// "id"}}}]}. When reading, each member may be absent, and a policy may also be a string of Cedar text. Errors: `bad-policy-json`, and
// those of ParsePolicies; ids and slots are checked by LinkAll.
json::Value PolicySetToJson(const PolicySetSource& source);
Result<PolicySetSource> PolicySetFromJson(const json::Value& document);

// For reading the text of such documents with json::Parse: an expression of the greatest height takes two levels for each of its own,
// a chain of && or || two for each operand, and chains that have more than limits::kCedarJsonChain, those around them counted, are written
// balanced.
inline constexpr json::Limits kPolicyJsonLimits{.depth = 2 * limits::kCedarJsonChain + 4 * limits::kCedarDepth, .bytes = limits::kJsonBytes};

}  // namespace remit::cedar
