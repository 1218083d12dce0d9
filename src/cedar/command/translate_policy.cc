// cedar translate-policy: Cedar text to JSON and back.
#include "cedar/command/command.h"
#include "cedar/command/inputs.h"
#include "cedar/format.h"
#include "cedar/policy_json.h"

namespace remit::cedar::command {

Result<int> TranslatePolicy(Words words) {
  PolicyInput input;
  std::optional<std::string> direction;
  Options options("translate-policy", "Cedar text to JSON and back; comments go");
  options.Choice('\0', "direction", direction, {"cedar-to-json", "json-to-cedar"}, "which way")
      .Value('p', "policies", input.file, "FILE", "what to translate; without it: standard input")
      .Example("cedar translate-policy --direction cedar-to-json --policies policies.cedar");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  if (!direction)
    return Fail(Code::kInvalidArgument, "usage", "`cedar translate-policy` needs --direction",
                "give --direction cedar-to-json or --direction json-to-cedar");
  const bool to_json = *direction == "cedar-to-json";
  input.format = to_json ? "cedar" : "json";
  REMIT_ASSIGN(const PolicySetSource source, input.ReadSource());
  if (to_json) return PrintJson(PolicySetToJson(source)), kOk;
  if (!source.links.empty()) {
    return Fail(Code::kUnsupported, "not-supported", "links of templates have no form in Cedar text", "keep them in a file for --template-linked");
  }
  std::string text;
  for (const auto* list : {&source.policies, &source.templates}) {
    for (const PolicyPtr& policy : *list) text += ToString(*policy) + "\n";
  }
  REMIT_ASSIGN(const std::string formatted, FormatPolicies(text, ""));
  std::fwrite(formatted.data(), 1, formatted.size(), stdout);
  return kOk;
}

}  // namespace remit::cedar::command
