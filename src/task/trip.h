// What stops an agent that tries doors: `@trip("3 refusals per 1m, revoke")`.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <string>
#include <string_view>

#include "base/time.h"

namespace remit::task {

struct Trip {
  enum class Then { kSuspend, kRevoke } then = Then::kRevoke;
  std::uint32_t refusals = 1;
  Duration window{};

  std::string Text() const;  // as it is written
  bool operator==(const Trip&) const = default;
};

// The error is what is wrong with the text.
std::expected<Trip, std::string> ParseTrip(std::string_view text);

// Whether a decision that was denied for this reason is a door that was tried: denied by policy. What is denied since the task is over or
// suspended, the server is in doubt, or people have not answered yet says nothing about the agent.
bool IsRefusal(std::string_view reason);

// The refusals of one task that are not too old to count.
class RefusalCount {
 public:
  // One more, now. True: that makes as many as trip it.
  bool Add(const Trip& trip, Time now);

 private:
  std::deque<Time> at_;
};

}  // namespace remit::task
