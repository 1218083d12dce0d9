#include "broker/setup/catalog_difference.h"

#include <map>

#include "base/limits.h"

namespace remit::broker {
namespace {

using Texts = std::map<std::string, std::string>;

// Calls `tell(name, change, text)` for each name of which the two say something different.
template <class Tell>
void Compare(const Texts& before, const Texts& after, Tell tell) {
  for (const auto& [name, text] : before)
    if (!after.contains(name)) tell(name, "removed", text);
  for (const auto& [name, text] : after) {
    const auto was = before.find(name);
    if (was == before.end())
      tell(name, "added", text);
    else if (was->second != text)
      tell(name, "changed", text);
  }
}

Texts Files(const task::Catalog& catalog) {
  Texts texts;
  for (const task::CatalogFile& file : catalog.files()) texts[file.name] = file.text;
  return texts;
}

Texts Policies(const task::Catalog& catalog) {
  Texts texts;
  for (const cedar::PolicyPtr& policy : catalog.policies().policies()) texts[policy->id] = catalog.PolicyText(*policy);
  return texts;
}

// What of a type its life depends on.
Texts Types(const task::Catalog& catalog) {
  Texts texts;
  for (const auto& [name, type] : catalog.task_types()) {
    std::string text = type.purpose + "\n" + FormatDuration(type.ttl) + " " + FormatDuration(type.max_ttl) + " " + FormatDuration(type.heartbeat) +
                       "\n" + type.reason_pattern + "\n" + type.actor_type;
    for (const task::Parameter& parameter : type.parameters)
      text += "\n" + parameter.name + (parameter.required ? "" : "?") + ": " + parameter.type->ToString();
    texts[type.name] = text;
  }
  return texts;
}

}  // namespace

json::Value CatalogDifference(const task::Catalog* before, const task::Catalog& after) {
  json::Array files, types, policies;
  std::size_t room = limits::kDifferenceBytes;
  const auto name_and_change = [](json::Array& into) {
    return [&into](const std::string& name, std::string_view change, const std::string&) {
      into.push_back(json::Object{{"name", name}, {"change", change}});
    };
  };
  const Texts none;
  Compare(before ? Files(*before) : none, Files(after), name_and_change(files));
  Compare(before ? Types(*before) : none, Types(after), name_and_change(types));
  Compare(before ? Policies(*before) : none, Policies(after), [&](const std::string& id, std::string_view change, const std::string& text) {
    json::Object one{{"id", id}, {"change", change}};
    if (text.size() <= room) {
      room -= text.size();
      one.Set("text", text);
    }
    policies.push_back(std::move(one));
  });
  return json::Object{{"files", std::move(files)}, {"task_types", std::move(types)}, {"policies", std::move(policies)}};
}

}  // namespace remit::broker
