// Policies, templates and sets of them from JSON.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/language/expr_reader.h"
#include "cedar/language/lexer.h"
#include "cedar/parser.h"
#include "cedar/policy_json.h"

namespace remit::cedar {
namespace {

using Kind = ScopeConstraint::Kind;

bool IsAction(std::string_view type) { return type == "Action" || type.ends_with("::Action"); }

class PolicyReader {
 public:
  Result<PolicyPtr> Read(const json::Value& document, std::string id) {
    REMIT_ASSIGN(const json::Object* object, place_.Object(document));
    REMIT_TRY(place_.Only(*object, {{"effect", "principal", "action", "resource", "conditions", "annotations"}}));
    auto policy = std::make_shared<Policy>();
    policy->id = std::move(id);
    REMIT_TRY(ReadEffect(*object, *policy));
    REMIT_ASSIGN(policy->principal, ReadScope(*object, "principal"));
    REMIT_ASSIGN(policy->action, ReadScope(*object, "action"));
    REMIT_ASSIGN(policy->resource, ReadScope(*object, "resource"));
    REMIT_TRY(ReadConditions(*object, *policy));
    if (const json::Value* annotations = object->Find("annotations"); annotations != nullptr) REMIT_TRY(ReadAnnotations(*annotations, *policy));
    return policy;
  }

 private:
  Status ReadEffect(const json::Object& object, Policy& policy) {
    REMIT_ASSIGN(const std::string effect, place_.String(object, "effect"));
    if (effect != "permit" && effect != "forbid") {
      return place_.Fail(fmt::format("invalid policy effect: `{}`", EscapeControl(effect)), "effect must be either `permit` or `forbid`");
    }
    policy.effect = effect == "permit" ? Effect::kPermit : Effect::kForbid;
    return {};
  }

  // Only `is` is strict about its members, as in the reference.
  Result<ScopeConstraint> ReadScope(const json::Object& policy, std::string_view variable) {
    REMIT_ASSIGN(const json::Value* member, place_.Member(policy, variable));
    const JsonPlace::Step step(place_, variable);
    REMIT_ASSIGN(const json::Object* object, place_.Object(*member));
    REMIT_ASSIGN(const std::string op, place_.String(*object, "op"));
    ScopeConstraint constraint;
    if (op == "All" || op == "all") return constraint;
    if (op == "is" && variable != "action") return ReadIs(*object, variable);
    if (op != "==" && op != "in") {
      return place_.Fail(fmt::format("not a valid policy scope constraint: `{}`", EscapeControl(op)), "it must be `All`, `==`, `in` or `is`");
    }
    constraint.kind = op == "==" ? Kind::kEqual : Kind::kIn;
    REMIT_TRY(ReadTarget(*object, variable, constraint));
    return constraint;
  }

  Result<ScopeConstraint> ReadIs(const json::Object& object, std::string_view variable) {
    REMIT_TRY(place_.Only(object, {{"op", "entity_type", "in"}}));
    ScopeConstraint constraint;
    constraint.kind = Kind::kIs;
    REMIT_ASSIGN(constraint.type, place_.TypeName(object, "entity_type"));
    const json::Value* in = object.Find("in");
    if (in == nullptr || in->IsNull()) return constraint;
    const JsonPlace::Step step(place_, "in");
    constraint.kind = Kind::kIsIn;
    REMIT_ASSIGN(const json::Object* target, place_.Object(*in));
    REMIT_TRY(ReadTarget(*target, variable, constraint));
    return constraint;
  }

  // `entity` is looked at first, whatever stands beside it.
  Status ReadTarget(const json::Object& object, std::string_view variable, ScopeConstraint& constraint) {
    const bool action = variable == "action";
    if (const json::Value* entity = object.Find("entity"); entity != nullptr) {
      const JsonPlace::Step step(place_, "entity");
      return ReadEntity(*entity, action, constraint);
    }
    if (const json::Value* entities = object.Find("entities"); entities != nullptr && action && constraint.kind == Kind::kIn) {
      const JsonPlace::Step step(place_, "entities");
      constraint.kind = Kind::kInSet;
      REMIT_ASSIGN(const json::Array* list, place_.Array(*entities));
      for (const json::Value& entity : *list) REMIT_TRY(ReadEntity(entity, action, constraint));
      return {};
    }
    if (!object.Contains("slot")) return place_.Fail("missing member `entity`");
    REMIT_ASSIGN(constraint.slot, place_.String(object, "slot"));
    if (action || constraint.slot != fmt::format("?{}", variable)) {
      return place_.Fail(fmt::format("template slot `{}` cannot stand for the {}", EscapeControl(constraint.slot), variable));
    }
    return {};
  }

  Status ReadEntity(const json::Value& value, bool action, ScopeConstraint& constraint) {
    REMIT_ASSIGN(EntityUid uid, place_.Uid(value));
    if (action && !IsAction(uid.type)) {
      return place_.Fail(fmt::format("expected an entity uid with type `Action` but got `{}`", uid.ToString()),
                         "action entities must have type `Action`, optionally in a namespace");
    }
    constraint.entities.push_back(std::move(uid));
    return {};
  }

  Status ReadConditions(const json::Object& object, Policy& policy) {
    REMIT_ASSIGN(const json::Value* conditions, place_.Member(object, "conditions"));
    const JsonPlace::Step step(place_, "conditions");
    REMIT_ASSIGN(const json::Array* list, place_.Array(*conditions));
    for (std::size_t i = 0; i < list->size(); ++i) {
      const JsonPlace::Step at(place_, i);
      REMIT_ASSIGN(const json::Object* clause, place_.Object(list->at(i)));
      REMIT_TRY(place_.Only(*clause, {{"kind", "body"}}));
      REMIT_ASSIGN(const std::string kind, place_.String(*clause, "kind"));
      if (kind != "when" && kind != "unless")
        return place_.Fail(fmt::format("unknown kind `{}` of condition", EscapeControl(kind)), "write `when` or `unless`");
      REMIT_ASSIGN(const json::Value* body, place_.Member(*clause, "body"));
      const JsonPlace::Step inside(place_, "body");
      REMIT_ASSIGN(ExprPtr expr, ExprReader(place_).Read(*body));
      policy.conditions.push_back({kind == "when", std::move(expr)});
    }
    return {};
  }

  Status ReadAnnotations(const json::Value& value, Policy& policy) {
    const JsonPlace::Step step(place_, "annotations");
    REMIT_ASSIGN(const json::Object* annotations, place_.Object(value));
    for (const auto& [name, text] : *annotations) {
      if (!IsIdentifier(name) && !IsReserved(name)) return place_.Fail(fmt::format("`{}` cannot be the name of an annotation", EscapeControl(name)));
      const JsonPlace::Step at(place_, name);
      if (!text.IsNull() && !text.IsString()) return place_.Expected("a string or null", text);
      Annotation annotation;
      annotation.bare = text.IsNull();
      if (!annotation.bare) annotation.value = text.AsString();
      policy.annotations.emplace(name, std::move(annotation));
    }
    return {};
  }

  JsonPlace place_;
};

// A policy of a set: in JSON, or as a string of text.
Result<PolicyPtr> ReadOne(const json::Value& value, const std::string& id) {
  if (!value.IsString()) return PolicyFromJson(value, id);
  REMIT_ASSIGN(std::vector<PolicyPtr> policies, ParsePolicies(value.AsString(), id));
  if (policies.size() != 1) {
    return Fail(Code::kInvalidArgument, "bad-policy-json", fmt::format("expected the text of one policy, got {} policies", policies.size()));
  }
  auto policy = std::make_shared<Policy>(*policies.front());
  policy->id = id;
  return policy;
}

Status ReadPolicies(const json::Object& set, std::string_view name, bool templates, JsonPlace& place, std::vector<PolicyPtr>& out) {
  const json::Value* member = set.Find(name);
  if (member == nullptr) return {};
  const JsonPlace::Step step(place, name);
  REMIT_ASSIGN(const json::Object* policies, place.Object(*member));
  for (const auto& [id, value] : *policies) {
    auto policy = ReadOne(value, id);
    if (!policy) return Fail(std::move(policy.error()).Within(fmt::format("policy `{}`", EscapeControl(id))));
    if ((*policy)->IsTemplate() != templates) {
      return place.Fail(fmt::format("`{}` is {}", EscapeControl(id), templates ? "no template: it has no slot" : "a template: it has a slot"));
    }
    out.push_back(std::move(*policy));
  }
  return {};
}

Result<TemplateLink> ReadLink(const json::Value& value, JsonPlace& place) {
  REMIT_ASSIGN(const json::Object* object, place.Object(value));
  REMIT_TRY(place.Only(*object, {{"templateId", "newId", "values"}}));
  TemplateLink link;
  REMIT_ASSIGN(link.template_id, place.String(*object, "templateId"));
  REMIT_ASSIGN(link.id, place.String(*object, "newId"));
  REMIT_ASSIGN(const json::Value* member, place.Member(*object, "values"));
  const JsonPlace::Step step(place, "values");
  REMIT_ASSIGN(const json::Object* values, place.Object(*member));
  REMIT_TRY(place.Only(*values, {{"?principal", "?resource"}}));
  for (const auto& [slot, entity] : *values) {
    const JsonPlace::Step at(place, slot);
    REMIT_ASSIGN(EntityUid uid, place.Uid(entity));
    (slot == "?principal" ? link.values.principal : link.values.resource) = std::move(uid);
  }
  return link;
}

}  // namespace

Result<PolicyPtr> PolicyFromJson(const json::Value& document, std::string id) { return PolicyReader().Read(document, std::move(id)); }

Result<ExprPtr> ExprFromJson(const json::Value& document) {
  JsonPlace place;
  return ExprReader(place).Read(document);
}

json::Value PolicySetToJson(const PolicySetSource& source) {
  json::Object policies, templates;
  for (const PolicyPtr& policy : source.policies) policies.Append(policy->id, PolicyToJson(*policy));
  for (const PolicyPtr& policy : source.templates) templates.Append(policy->id, PolicyToJson(*policy));
  json::Array links;
  for (const TemplateLink& link : source.links) {
    json::Object values;
    auto add = [&values](std::string slot, const std::optional<EntityUid>& uid) {
      if (uid) values.Append(std::move(slot), json::Object{{"type", uid->type}, {"id", uid->id}});
    };
    add("?principal", link.values.principal);
    add("?resource", link.values.resource);
    links.push_back(json::Object{{"templateId", link.template_id}, {"newId", link.id}, {"values", std::move(values)}});
  }
  json::Object set;
  set.Append("staticPolicies", std::move(policies));
  set.Append("templates", std::move(templates));
  set.Append("templateLinks", std::move(links));
  return set;
}

Result<PolicySetSource> PolicySetFromJson(const json::Value& document) {
  JsonPlace place;
  REMIT_ASSIGN(const json::Object* set, place.Object(document));
  REMIT_TRY(place.Only(*set, {{"staticPolicies", "templates", "templateLinks"}}));
  PolicySetSource source;
  REMIT_TRY(ReadPolicies(*set, "staticPolicies", false, place, source.policies));
  REMIT_TRY(ReadPolicies(*set, "templates", true, place, source.templates));
  const json::Value* links = set->Find("templateLinks");
  if (links == nullptr) return source;
  const JsonPlace::Step step(place, "templateLinks");
  REMIT_ASSIGN(const json::Array* list, place.Array(*links));
  for (std::size_t i = 0; i < list->size(); ++i) {
    const JsonPlace::Step at(place, i);
    REMIT_ASSIGN(TemplateLink link, ReadLink(list->at(i), place));
    source.links.push_back(std::move(link));
  }
  return source;
}

}  // namespace remit::cedar
