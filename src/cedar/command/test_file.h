// One test file of the conformance corpus: policies, schema, entities, and requests with the answers that are expected.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace remit::cedar::command {

struct TestOutcome {
  json::Object report;  // name, what came out, match
  std::size_t requests = 0;
  std::vector<std::string> mismatches;  // one sentence each; none: everything is as expected
};

// Runs the test in `file`. Paths inside are resolved against `root`; a schema whose name ends in `.json` is in the JSON form. Compared are
//   - strict validation of the policies with `shouldValidate`,
//   - of each request with `validateRequest` whether it conforms to the schema,
//   - decision, reason (as a set) and the ids of the policies that failed (as a set),
//   - with NAME.validation.json beside it, the strict and permissive verdicts of all policies, each policy, each entity and each request,
//   - with NAME.cedarschema.json beside it, the schema in the JSON form.
// Errors: what cannot be read at all; whoever runs many tests counts that as a test that does not match.
Result<TestOutcome> RunTestFile(const std::filesystem::path& file, const std::filesystem::path& root);

}  // namespace remit::cedar::command
