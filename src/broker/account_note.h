// Where it is written which role a declared account ("TARGET/ROLE") is: a row of store::Table::kMeta, {"oid", "system"}. It is written by whoever can
// look at targets, and goes with the declaration.
#pragma once

#include <string>

namespace remit::broker {

inline std::string AccountNoteKey(const std::string& account) { return "account/" + account; }

}  // namespace remit::broker
