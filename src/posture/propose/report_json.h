// Reports as JSON, for --json; docs/reference/scan.md lists the members. Names stand as they are; who shows them escapes them.
#pragma once

#include "json/value.h"
#include "posture/propose/replay.h"
#include "posture/scan/scan.h"

namespace remit::posture {

json::Value ToJson(const Object& object);
json::Value ToJson(const Holding& holding);
json::Value ToJson(const Finding& finding);
json::Value ToJson(const ScanReport& report);
json::Value ToJson(const Proposal& proposal, const ReplayReport& replay);

}  // namespace remit::posture
