// The log: one line an event, to stderr, as text or JSON. Never a secret: Secret has no formatter, and nothing here takes one.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/result.h"

namespace remit::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };

// Sets the lowest level that is written and the form. Call it once, before threads start. Default: warnings, as text.
void Configure(Level level, bool json);
Result<Level> ParseLevel(std::string_view text);

// Thread-safe. Control characters in the message are escaped, so that no input forges a line.
void Write(Level level, std::string_view message);
bool Enabled(Level level);

template <class... Args>
void Debug(fmt::format_string<Args...> format, Args&&... args) {
  if (Enabled(Level::kDebug)) Write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void Info(fmt::format_string<Args...> format, Args&&... args) {
  if (Enabled(Level::kInfo)) Write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void Warn(fmt::format_string<Args...> format, Args&&... args) {
  if (Enabled(Level::kWarn)) Write(Level::kWarn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void Fault(fmt::format_string<Args...> format, Args&&... args) {
  if (Enabled(Level::kError)) Write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace remit::log
