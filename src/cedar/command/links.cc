// The file of links of templates, which `cedar link` adds to.
#include <fmt/format.h>

#include "base/text.h"
#include "cedar/command/inputs.h"

namespace remit::cedar::command {
namespace {

std::unexpected<Error> BadSlots(std::string message) {
  return Fail(Code::kInvalidArgument, "bad-links", std::move(message), R"(write {"?principal": "User::\"alice\""})");
}

std::unexpected<Error> BadLinks(const std::string& file, std::string message) {
  return Fail(Error(Code::kInvalidArgument, "bad-links", std::move(message))
                  .At(ShownName(file))
                  .Hint(R"(write [{"template_id": "t", "link_id": "l", "args": {"?principal": "User::\"alice\""}}])"));
}

}  // namespace

Result<SlotValues> SlotsFromJson(const json::Value& document) {
  if (!document.IsObject()) return BadSlots(fmt::format("the values of slots are {}, not an object", document.TypeName()));
  SlotValues values;
  for (const auto& [slot, value] : document.AsObject()) {
    if (slot != "?principal" && slot != "?resource") {
      return BadSlots(fmt::format("`{}` is no slot: there are `?principal` and `?resource`", EscapeControl(slot)));
    }
    if (!value.IsString()) return BadSlots(fmt::format("the value of `{}` is {}, not an entity as text", slot, value.TypeName()));
    REMIT_ASSIGN((slot == "?principal" ? values.principal : values.resource), OptionalUid(value.AsString(), slot));
  }
  return values;
}

Result<std::vector<TemplateLink>> ReadLinks(const std::string& file) {
  REMIT_ASSIGN(const std::string text, ReadText(file));
  if (Trim(text).empty()) return std::vector<TemplateLink>{};
  REMIT_ASSIGN(const json::Value document, ParseJson(text, file));
  if (!document.IsArray()) return BadLinks(file, fmt::format("links are {}, not an array", document.TypeName()));
  std::vector<TemplateLink> links;
  for (const json::Value& member : document.AsArray()) {
    const std::string *of = member.FindString("template_id"), *id = member.FindString("link_id");
    const json::Value* values = member.Find("args");
    if (of == nullptr || id == nullptr || values == nullptr) return BadLinks(file, "a link has `template_id`, `link_id` and `args`");
    TemplateLink link{.template_id = *of, .id = *id, .values = {}};
    auto slots = SlotsFromJson(*values);
    if (!slots) return Fail(In(file, std::move(slots.error())));
    link.values = *std::move(slots);
    links.push_back(std::move(link));
  }
  return links;
}

json::Value LinksToJson(const std::vector<TemplateLink>& links) {
  json::Array all;
  for (const TemplateLink& link : links) {
    json::Object values;
    if (link.values.principal) values.Set("?principal", link.values.principal->ToString());
    if (link.values.resource) values.Set("?resource", link.values.resource->ToString());
    all.push_back(json::Object{{"template_id", link.template_id}, {"link_id", link.id}, {"args", std::move(values)}});
  }
  return all;
}

}  // namespace remit::cedar::command
