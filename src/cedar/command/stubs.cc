// Commands that are not there yet.
#include "cedar/command/command.h"

namespace remit::cedar::command {
namespace {
Result<int> NotThere(std::string_view name) {
  return Fail(Code::kUnsupported, "not-supported", "`cedar " + std::string(name) + "` is not there yet");
}
}  // namespace
Result<int> TranslateSchema(Words) { return NotThere("translate-schema"); }
}  // namespace remit::cedar::command
