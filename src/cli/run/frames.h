// What `remit run` and the process between it and the command say to each other: short messages over a socket pair. Both ends are the same
// program, so nothing here is a format for others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace remit::cli {

struct Frame {
  char kind = 0;
  std::string body;
};

// To the guard.
inline constexpr char kLaunchFrame = 'L';  // the command: see PackStrings
inline constexpr char kSignalFrame = 'S';  // a signal's number, for the command's process group
// From the guard.
inline constexpr char kReadyFrame = 'G';    // first: it holds the command as it was asked to. Where it cannot, it ends without a word
inline constexpr char kStartedFrame = 'P';  // the command's process id
inline constexpr char kRefusedFrame = 'R';  // reason, message: it could not be started
inline constexpr char kEndedFrame = 'E';    // signaled, value, processes that it left behind, what could not be killed

// Blocks until all is written. Errors: `guard-gone`.
Status SendFrame(int socket, char kind, std::string_view body);

// Blocks until a whole message is there; nullopt: the other end is closed. Errors: `guard-gone`.
Result<std::optional<Frame>> ReceiveFrame(int socket);

// Strings without NUL, as arguments, variables and numbers are; any bytes else.
std::string PackStrings(const std::vector<std::string>& strings);
std::vector<std::string> UnpackStrings(std::string_view body);

}  // namespace remit::cli
