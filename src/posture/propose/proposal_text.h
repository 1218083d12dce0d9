// Inside this room only: a proposal written as a catalog: schema, policies, tests and facts.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "posture/propose/propose.h"

namespace remit::posture {

using UseIndex = std::map<std::tuple<std::string, Object, std::string>, const Use*>;  // account, object, privilege

// Fills in `files`, `tests` and `facts` of a proposal whose types are there.
void ProposalTexts(const ScanReport& report, Proposal& proposal, const UseIndex& uses);

}  // namespace remit::posture
