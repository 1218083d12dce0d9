// Ends that meet no resistance, together: those that wait at the same time share each statement and each commit. What resists (a session, a
// prepared transaction, things that it made, somebody's lock, a role that is not where it was noted) is left for ender.cc, one by one.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "target/postgres/server.h"
#include "task/credential.h"

namespace remit::target::postgres {

// Thread-safe.
class PlainEnds {
 public:
  // Both must outlive it.
  PlainEnds(Server& server, const Clock& clock) : server_(server), clock_(clock) {}

  // What became of one: gone, and what is left to see is that its login is refused; or it is for ender.cc, as it was or disarmed.
  struct Outcome {
    bool gone = false;
    std::vector<task::Evidence> evidence;  // also of one that is not gone, where a step was seen
    std::optional<Error> unreachable;      // no connection: the others of the batch need not try it each
  };

  // Disarms and drops the credential's role, with those of other threads. Waits for at most two batches, each of three statements.
  Outcome End(const task::CredentialRecord& record);

  struct Load {
    std::size_t under_way = 0;
    std::size_t waiting = 0;  // for those to be over
  };
  Load load();

 private:
  // One thread's, on its stack while it waits.
  struct Waiting {
    const task::CredentialRecord& record;
    std::string oid;
    bool done = false;
    Outcome outcome;
  };
  void Run(const std::vector<Waiting*>& batch);
  Status Steps(pg::Connection& admin, std::vector<Waiting*> left);

  Server& server_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiting*> waiting_;  // in the order in which they came
  std::size_t under_way_ = 0;      // in the batch that one of the threads works on; 0: none does
};

}  // namespace remit::target::postgres
