// cedar link: a template with its slots filled.
#include <fmt/format.h>

#include "base/text.h"
#include "cedar/command/command.h"
#include "cedar/command/inputs.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cedar::command {

Result<int> LinkTemplate(Words words) {
  PolicyInput policy_input;
  std::optional<std::string> template_id, new_id, arguments;
  bool json = false;
  Options options("link", "fills the slots of a template, and notes the link in the file of --template-linked, where one is named");
  policy_input.AddTo(options, true);
  options.Value('\0', "template-id", template_id, "ID", "the template: its @id, or policy0, policy1, …")
      .Value('n', "new-id", new_id, "ID", "of the policy that comes of it")
      .Value('a', "arguments", arguments, "JSON", R"('{"?principal": "User::\"alice\""}')")
      .Flag('\0', "json", json, "one JSON object: id, policy")
      .Example(
          "cedar link --policies templates.cedar --template-linked links.json --template-id share --new-id share-alice \\\n"
          "  --arguments '{\"?principal\": \"User::\\\"alice\\\"\"}'");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  ShowErrorsAsJson(json);
  if (!template_id || !new_id || !arguments) {
    return Fail(Code::kInvalidArgument, "usage", "`cedar link` needs --template-id, --new-id and --arguments", "cedar link --help");
  }
  auto document = json::Parse(*arguments);
  if (!document) return Fail(std::move(document.error()).Within("--arguments").Hint(R"(write {"?principal": "User::\"alice\""})"));
  TemplateLink link{.template_id = *template_id, .id = *new_id, .values = {}};
  REMIT_ASSIGN(link.values, SlotsFromJson(*document));

  // The file of links may be new.
  const std::optional<std::string> file = policy_input.links;
  if (file && *file == "-")
    return Fail(Code::kInvalidArgument, "usage", "`cedar link` adds to the file of links, not to standard input", "name a file");
  if (file) {
    REMIT_ASSIGN(const bool there, Exists(*file));
    if (!there) policy_input.links.reset();
  }
  REMIT_ASSIGN(PolicySetSource source, policy_input.ReadSource());
  std::vector<TemplateLink> noted;
  if (policy_input.links) {
    REMIT_ASSIGN(noted, ReadLinks(*file));
  }
  source.links.push_back(link);
  noted.push_back(std::move(link));
  REMIT_ASSIGN(const std::vector<PolicyPtr> all, LinkAll(source));
  const PolicyPtr& linked = all.back();
  if (file) REMIT_TRY(WriteText(*file, json::WritePretty(LinksToJson(noted)) + "\n"));
  if (json) return PrintJson(json::Object{{"id", linked->id}, {"policy", ToString(*linked)}}), kOk;
  return PrintLine(ToString(*linked)), kOk;
}

}  // namespace remit::cedar::command
