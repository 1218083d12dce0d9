// What the functions in schema `remit` refuse, by their SQLSTATEs of class RM, as errors of Remit.
#pragma once

#include "base/result.h"

namespace remit::target::postgres {

// Turns an error of the server into the one that callers see. Class RM becomes a definite refusal with a reason of its own:
//   RM001 `not-permitted-at-target`  the table is not one that tasks may be granted; hint: remit target init
//   RM002 `scope-tampered`           a scope role is not as init made it; also written to the log as a fault
//   RM003 `not-a-table`              a view or the like
//   RM004 `foreign-role`             the login role or the name belongs to another installation
//   RM005 `unknown-table`
//   RM006 `bad-request-to-target`, RM007 `not-disarmed`: mistakes of this program
// A missing function or schema becomes `target-not-initialised`. A wait for a lock that was given up, and conflicts that pass, become
// kUnavailable. Everything else stays as it is.
Error FromServer(Error error, std::string_view target);

}  // namespace remit::target::postgres
