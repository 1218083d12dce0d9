// Keeps anchors up to date: in a file outside the store's folder, at most a second old, and at targets, every hour. And looks at both before
// a server serves.
//
// Threads: timers and workers are the caller's; nothing here runs on a request's way. One instance.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/open/anchor.h"
#include "broker/open/barred_list.h"
#include "io/timers.h"
#include "io/workers.h"
#include "target/target.h"

namespace remit::broker {

class AnchorKeeper {
 public:
  struct Parts {
    store::Store& store;
    const Clock& clock;
    io::Timers& timers;
    io::Workers& file_worker;     // writes the file; nothing else waits there
    io::Workers& target_workers;  // blocking calls to targets
    const crypto::MasterKey& master_key;
    std::string file;  // its folder is made, mode 0700, and FILE.barred beside it; "" for none
    std::vector<std::shared_ptr<target::Target>> targets;
    std::function<void(const Error&)> on_old;  // a target has seen more than this store has: it must not be served any longer
  };

  // What the anchors say of the store, before anything is written to it. A target that does not answer is asked again by the hour.
  // Answers the highest epoch that any of them knows. Errors: CheckAnchor's; `anchor-missing` where the store knows that it has one;
  // `bad-anchor`. With `restored` none of CheckAnchor's but `another-store`: that is what --restored is for.
  static Result<std::uint64_t> Check(const Parts& parts, bool restored);

  // Who was barred and which keys were trusted when the file was written, for a store that was restored and does not know it. Errors:
  // `anchor-missing` (no file is meant to be), `no-such-file`, `bad-anchor`, `another-store`.
  static Result<BarredList> ReadBarred(const Parts& parts);

  // Writes the file at once, and beside it who is barred and which keys are trusted (errors: `cannot-write-file`), then keeps at it until it is
  // destroyed.
  static Result<std::unique_ptr<AnchorKeeper>> Start(Parts parts);
  ~AnchorKeeper();  // when neither timers nor workers run; the last anchor is written

 private:
  struct Impl;
  explicit AnchorKeeper(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace remit::broker
