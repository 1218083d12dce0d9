// Validation of a policy set with templates and links, as the reference does it: policies and templates are typed; of a link only what its
// values change is checked again.
#pragma once

#include <vector>

#include "cedar/template.h"
#include "cedar/validator.h"

namespace remit::cedar::command {

// The findings of Validate() for policies and templates; for each link, under its own id, `unknown-entity-type` for a value whose type the
// schema does not have, and `no-applicable-action`. Links are expected to hold (LinkAll).
std::vector<Diagnostic> ValidateSource(const Schema& schema, const PolicySetSource& source, ValidationOptions options = {});

}  // namespace remit::cedar::command
