// See trip.h.
#include "task/trip.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::task {

std::string Trip::Text() const {
  return fmt::format("{} refusal{} per {}, {}", refusals, refusals == 1 ? "" : "s", FormatDuration(window),
                     then == Then::kSuspend ? "suspend" : "revoke");
}

std::expected<Trip, std::string> ParseTrip(std::string_view text) {
  Trip trip;
  const std::vector<std::string> halves = Split(text, ',');
  if (halves.size() != 2) return std::unexpected("does not say how often, and behind a comma what then");
  const std::string_view then = Trim(halves[1]);
  if (then != "suspend" && then != "revoke") return std::unexpected(fmt::format("ends in `suspend` or `revoke`, not `{}`", EscapeControl(then)));
  trip.then = then == "suspend" ? Trip::Then::kSuspend : Trip::Then::kRevoke;
  std::vector<std::string> words = Split(Trim(halves[0]), ' ');
  std::erase(words, "");
  if (words.size() != 4 || (words[1] != "refusals" && words[1] != "refusal") || words[2] != "per")
    return std::unexpected("begins with how often in which time");
  const auto [stop, error] = std::from_chars(words[0].data(), words[0].data() + words[0].size(), trip.refusals);
  if (error != std::errc() || stop != words[0].data() + words[0].size() || words[0][0] == '0' || trip.refusals > 1000)
    return std::unexpected(fmt::format("needs a whole number from 1 to 1000, not `{}`", EscapeControl(words[0])));
  const auto window = ParseDuration(words[3]);
  if (!window || *window <= Duration(0)) return std::unexpected(fmt::format("needs a duration after `per`, not `{}`", EscapeControl(words[3])));
  trip.window = *window;
  return trip;
}

bool IsRefusal(std::string_view reason) {
  constexpr std::array<std::string_view, 7> kDoors = {"no-permit",        "forbidden",      "used-up",    "policy-error",
                                                      "unknown-resource", "not-applicable", "bad-request"};
  return std::ranges::find(kDoors, reason) != kDoors.end();
}

bool RefusalCount::Add(const Trip& trip, Time now) {
  while (!at_.empty() && at_.front() + trip.window <= now) at_.pop_front();
  at_.push_back(now);
  while (at_.size() > trip.refusals) at_.pop_front();
  return at_.size() >= trip.refusals;
}

}  // namespace remit::task
