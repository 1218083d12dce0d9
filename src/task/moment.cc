// See moment.h.
#include "task/moment.h"

#include <algorithm>

namespace remit::task {

using Kind = cedar::Type::Kind;

bool IsLocal(const cedar::Type& type) {
  return type.kind == Kind::kRecord && type.attributes.size() == 2 && std::ranges::all_of(type.attributes, [](const auto& attribute) {
           const auto& [name, declared] = attribute;
           return (name == "weekday" || name == "minute") && declared.type->kind == Kind::kLong && declared.required;
         });
}

bool IsFilled(const cedar::Type& context, std::string_view name) {
  const auto declared = context.attributes.find(name);
  return declared != context.attributes.end() && (name == "now" || (name == "local" && IsLocal(*declared->second.type)));
}

void FillMoment(const cedar::Type& context, const Zone* zone, Time at, cedar::Record& record) {
  if (IsFilled(context, "now")) record["now"] = cedar::Datetime{std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count()};
  if (!IsFilled(context, "local")) return;
  const LocalMoment local = LocalAt(zone, at);
  record["local"] = cedar::Value::FromRecord({{"weekday", local.weekday}, {"minute", local.minute}});
}

}  // namespace remit::task
