// Ending a credential: from whatever state it is in, to evidence. See ender.cc for the sequence, and README.md for why it is this one.
#pragma once

#include "base/clock.h"
#include "target/postgres/plain_ends.h"
#include "target/postgres/server.h"
#include "target/target.h"

namespace remit::target::postgres {

// As Target::End. Takes at most Config::attempt_limit and a few seconds.
EndResult EndCredential(Server& server, PlainEnds& plain_ends, const task::CredentialRecord& record, const Secret& secret, const Clock& clock);

}  // namespace remit::target::postgres
