// Making a credential: one transaction at the server, then a login over the path that the task will take, unless another role's has just shown it.
#pragma once

#include "base/clock.h"
#include "base/rng.h"
#include "target/postgres/path_proof.h"
#include "target/postgres/server.h"
#include "target/target.h"

namespace remit::target::postgres {

// As Target::Make. `rng` salts the verifier; `proofs` are the target's, in the time of `clock`. Errors, definite: those of FromServer,
// `bad-credential` (the record is not one of this target's), `password-not-asked` (pg_hba.conf lets the role in without its password),
// `login-refused`; passing: `pg-no-answer` and the like.
Result<Made> MakeCredential(Server& server, PathProofs& proofs, const task::CredentialRecord& record, const Secret& secret, const Clock& clock,
                            Rng& rng);

// As Target::Prolong: the day on which the role's password expires becomes the record's not_after. Errors: `bad-credential`, `foreign-role`,
// `unknown-role` (it is gone or disarmed), `target-not-initialised` (the administrator's script is from before), those of FromServer.
Status ProlongCredential(Server& server, const task::CredentialRecord& record);

// As Target::Environment: where the role logs in, and with what.
std::map<std::string, Secret> EnvironmentOf(const Server& server, const task::CredentialRecord& record, const Secret& secret);

}  // namespace remit::target::postgres
