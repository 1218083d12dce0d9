// cedar format: policies in one layout.
#include "cedar/format.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/command/command.h"
#include "cedar/command/inputs.h"

namespace remit::cedar::command {

Result<int> Format(Words words) {
  std::optional<std::string> file;
  std::optional<std::int64_t> line_width, indent_width;
  bool write = false, check = false;
  Options options("format", "writes policies in one layout, comments kept");
  options.Value('p', "policies", file, "FILE", "policies and templates; without it: standard input")
      .Number('l', "line-width", line_width, "N", "columns of a line; without it: 80")
      .Number('i', "indent-width", indent_width, "N", "spaces of a level; without it: 2")
      .Flag('w', "write", write, "write into the file itself")
      .Flag('c', "check", check, "only say whether anything would change: exit status 1 if so")
      .Example("cedar format --policies policies.cedar --write\ncedar format --policies policies.cedar --check");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  if (write && check) return Fail(Code::kInvalidArgument, "usage", "`--write` and `--check` do not go together", "leave one of them out");
  const std::string name = file.value_or("-");
  if (write && name == "-") return Fail(Code::kInvalidArgument, "usage", "`--write` needs a file to write to", "give --policies FILE");
  if (line_width == 0 || line_width.value_or(0) > 10'000 || indent_width.value_or(0) > 100) {
    return Fail(Code::kInvalidArgument, "usage", "a line has 1 to 10000 columns, a level 0 to 100 spaces", "cedar format --help");
  }

  REMIT_ASSIGN(const std::string text, ReadText(name));
  const FormatOptions layout{.line_width = static_cast<int>(line_width.value_or(80)), .indent_width = static_cast<int>(indent_width.value_or(2))};
  REMIT_ASSIGN(const std::string formatted, FormatPolicies(text, ShownName(name), layout));
  if (check) {
    if (formatted == text) return kOk;
    PrintLine(fmt::format("{}: would change", EscapeControl(ShownName(name))));
    return kFailure;
  }
  if (!write) {
    std::fwrite(formatted.data(), 1, formatted.size(), stdout);
  } else if (formatted != text) {
    REMIT_TRY(WriteText(name, formatted));
  }
  return kOk;
}

}  // namespace remit::cedar::command
