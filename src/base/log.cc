#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/text.h"

namespace remit::log {
namespace {

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
    case Level::kOff: return spdlog::level::off;
  }
  return spdlog::level::off;
}

bool as_json = false;

spdlog::logger& Logger() {
  static spdlog::logger logger = [] {
    spdlog::logger made("remit", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.set_level(spdlog::level::warn);
    made.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    return made;
  }();
  return logger;
}

}  // namespace

void Configure(Level level, bool json) {
  as_json = json;
  Logger().set_level(ToSpdlog(level));
  if (json) Logger().set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%v"})", spdlog::pattern_time_type::utc);
}

Result<Level> ParseLevel(std::string_view text) {
  if (text == "debug") return Level::kDebug;
  if (text == "info") return Level::kInfo;
  if (text == "warn") return Level::kWarn;
  if (text == "error") return Level::kError;
  if (text == "off") return Level::kOff;
  return Fail(Code::kInvalidArgument, "bad-log-level", fmt::format("`{}` is not a log level", text), "use debug, info, warn, error or off");
}

bool Enabled(Level level) { return Logger().should_log(ToSpdlog(level)); }

void Write(Level level, std::string_view message) {
  std::string safe = EscapeControl(message);
  if (as_json) {
    std::string quoted;
    for (char c : safe) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    safe = std::move(quoted);
  }
  Logger().log(ToSpdlog(level), safe);
}

}  // namespace remit::log
