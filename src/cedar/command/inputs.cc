#include "cedar/command/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "cedar/parser.h"
#include "cedar/policy_json.h"

namespace remit::cedar::command {
namespace {

PolicyPtr NamedById(PolicyPtr policy) {
  const Annotation* id = policy->FindAnnotation("id");
  if (id == nullptr) return policy;
  auto named = std::make_shared<Policy>(*policy);
  named->id = id->value;
  return named;
}

bool IsJson(const std::optional<std::string>& format, const std::string& file) { return format ? *format == "json" : EndsInJson(file); }

Result<EntityUid> UidOf(std::string_view text, std::string_view what) {
  auto uid = EntityUid::Parse(text);
  if (!uid) return Fail(std::move(uid.error()).Within(fmt::format("the {} `{}`", what, EscapeControl(text))).Hint("write Type::\"id\""));
  return *std::move(uid);
}

Result<EntityUid> UidMember(const json::Value& document, std::string_view name) {
  const json::Value* member = document.Find(name);
  if (member == nullptr)
    return Fail(Code::kInvalidArgument, "missing-request", fmt::format("the request has no `{}`", name),
                fmt::format("write \"{}\": \"Type::\\\"id\\\"\"", name));
  if (member->IsString()) return UidOf(member->AsString(), name);
  return EntityUidFromJson(*member);
}

}  // namespace

Result<std::optional<EntityUid>> OptionalUid(const std::optional<std::string>& text, std::string_view what) {
  if (!text) return std::nullopt;
  return UidOf(*text, what);
}

bool EndsInJson(std::string_view file) { return file.ends_with(".json"); }

void PolicyInput::AddTo(Options& options, bool standard_input) {
  options.Value('p', "policies", file, "FILE", standard_input ? "policies and templates; without it: standard input" : "policies and templates")
      .Choice('\0', "policy-format", format, {"cedar", "json"}, "of --policies; without it: by its ending")
      .Value('k', "template-linked", links, "FILE", "links of templates: [{\"template_id\", \"link_id\", \"args\": {\"?principal\": \"User::…\"}}]");
}

namespace {

bool IsPolicySet(const json::Value& document) {
  return document.Find("staticPolicies") != nullptr || document.Find("templates") != nullptr || document.Find("templateLinks") != nullptr;
}

Result<PolicySetSource> SourceFromJson(const json::Value& document) {
  if (IsPolicySet(document)) return PolicySetFromJson(document);
  auto policy = PolicyFromJson(document, "policy0");
  if (!policy && policy.error().hint.empty()) {
    policy.error().hint = "JSON is one policy (`effect`, `principal`, …) or a set (`staticPolicies`, `templates`, `templateLinks`)";
  }
  if (!policy) return std::unexpected(std::move(policy.error()));
  return Sorted({*std::move(policy)});
}

}  // namespace

Result<Policies> Linked(PolicySetSource source) {
  Policies all;
  REMIT_ASSIGN(all.policies, LinkAll(source));
  all.templates = std::move(source.templates);
  return all;
}

PolicySetSource Sorted(std::vector<PolicyPtr> policies) {
  PolicySetSource source;
  for (PolicyPtr& policy : policies) (policy->IsTemplate() ? source.templates : source.policies).push_back(std::move(policy));
  return source;
}

bool PolicyInput::IsText() const { return !IsJson(format, file.value_or("-")); }

Result<std::string> PolicyInput::Text() const { return ReadText(file.value_or("-")); }

Result<PolicySetSource> PolicyInput::ReadSource() const {
  REMIT_ASSIGN(const std::string text, Text());
  return ReadSourceFrom(text);
}

Result<PolicySetSource> PolicyInput::ReadSourceFrom(const std::string& text) const {
  const std::string name = file.value_or("-");
  PolicySetSource source;
  if (!IsText()) {
    REMIT_ASSIGN(const json::Value document, ParseJson(text, name));
    auto read = SourceFromJson(document);
    if (!read) return Fail(In(name, std::move(read.error())));
    source = *std::move(read);
  } else {
    REMIT_ASSIGN(std::vector<PolicyPtr> parsed, ReadPolicyText(text, name));
    for (PolicyPtr& policy : parsed) policy = NamedById(std::move(policy));
    source = Sorted(std::move(parsed));
  }
  if (links) {
    REMIT_ASSIGN(std::vector<TemplateLink> more, ReadLinks(*links));
    std::ranges::move(more, std::back_inserter(source.links));
  }
  return source;
}

Result<Policies> PolicyInput::Read() const {
  REMIT_ASSIGN(const std::string text, Text());
  return ReadFrom(text);
}

Result<Policies> PolicyInput::ReadFrom(const std::string& text) const {
  REMIT_ASSIGN(PolicySetSource source, ReadSourceFrom(text));
  return Linked(std::move(source));
}

Result<PolicySetSource> ReadPolicySet(const json::Value& document) {
  const json::Value* text = document.Find("staticPolicies");
  if (text == nullptr || !text->IsString()) return PolicySetFromJson(document);
  json::Object rest = document.AsObject();
  rest.Erase("staticPolicies");
  REMIT_ASSIGN(PolicySetSource source, PolicySetFromJson(rest));
  REMIT_ASSIGN(source.policies, ReadPolicyText(text->AsString(), ""));
  return source;
}

void SchemaInput::AddTo(Options& options) {
  options.Value('s', "schema", file, "FILE", "the schema")
      .Choice('\0', "schema-format", format, {"cedar", "json"}, "of --schema; without it: by its ending");
}

Result<std::optional<Schema>> SchemaInput::Read() const {
  if (!file) return std::nullopt;
  REMIT_ASSIGN(const std::string text, ReadText(*file));
  return ReadSchema(text, *file, IsJson(format, *file));
}

void EntityInput::AddTo(Options& options) { options.Value('\0', "entities", file, "FILE", "entities, as JSON"); }

Result<std::string> EntityInput::Text() const {
  if (!file) return std::string();
  return ReadText(*file);
}

Result<Entities> EntityInput::Read(const Schema* schema) const {
  REMIT_ASSIGN(const std::string text, Text());
  return ReadFrom(text, schema);
}

Result<Entities> EntityInput::ReadFrom(const std::string& text, const Schema* schema) const {
  json::Value document = json::Array{};
  if (file) {
    REMIT_ASSIGN(document, ParseJson(text, *file));
  }
  auto entities = Entities::FromJson(document, schema);
  if (!entities && file) return Fail(In(*file, std::move(entities.error())));
  return entities;
}

void RequestInput::AddTo(Options& options) {
  options.Value('l', "principal", principal, "ENTITY", "who asks, e.g. 'User::\"alice\"'")
      .Value('a', "action", action, "ENTITY", "what for, e.g. 'Action::\"view\"'")
      .Value('r', "resource", resource, "ENTITY", "on what, e.g. 'Photo::\"pic\"'")
      .Value('c', "context", context, "FILE", "the context, a JSON object")
      .Value('\0', "request-json", json, "FILE", "all four: {\"principal\", \"action\", \"resource\", \"context\"}")
      .Choice('\0', "request-validation", validation, {"true", "false"}, "whether the request is checked against the schema; without it: true");
}

Result<Request> RequestInput::Read(const Schema* schema) const {
  Request request;
  if (json) {
    if (principal || action || resource || context) {
      return Fail(Code::kInvalidArgument, "usage", "`--request-json` stands in place of `--principal`, `--action`, `--resource` and `--context`",
                  "leave the one or the others out");
    }
    REMIT_ASSIGN(const json::Value document, ReadJson(*json));
    auto read = RequestFromJson(document, schema);
    if (!read) return Fail(In(*json, std::move(read.error())));
    request = *std::move(read);
  } else {
    json::Value context_document = json::Object{};
    if (!principal || !action || !resource) {
      return Fail(Code::kInvalidArgument, "missing-request", "a request has a principal, an action and a resource",
                  "give --principal, --action and --resource, or --request-json");
    }
    REMIT_ASSIGN(request.principal, UidOf(*principal, "principal"));
    REMIT_ASSIGN(request.action, UidOf(*action, "action"));
    REMIT_ASSIGN(request.resource, UidOf(*resource, "resource"));
    if (context) {
      REMIT_ASSIGN(context_document, ReadJson(*context));
    }
    auto value = ReadContext(context_document, schema, request.action);
    if (!value) return Fail(context && value.error().reason != "unknown-action" ? In(*context, std::move(value.error())) : std::move(value.error()));
    request.context = *std::move(value);
  }
  const bool validate = validation.value_or("true") == "true";
  if (validate && schema != nullptr) REMIT_TRY(schema->ValidateRequest(request));
  return request;
}

Result<Request> RequestWithoutContext(const json::Value& document) {
  Request request;
  REMIT_ASSIGN(request.principal, UidMember(document, "principal"));
  REMIT_ASSIGN(request.action, UidMember(document, "action"));
  REMIT_ASSIGN(request.resource, UidMember(document, "resource"));
  return request;
}

Result<const json::Value*> ContextMember(const json::Value& document) {
  const json::Value* context = document.Find("context");
  if (context == nullptr) return Fail(Code::kInvalidArgument, "missing-request", "the request has no `context`", "write \"context\": {}");
  return context;
}

Result<Request> RequestFromJson(const json::Value& document, const Schema* schema) {
  REMIT_ASSIGN(Request request, RequestWithoutContext(document));
  REMIT_ASSIGN(const json::Value* context, ContextMember(document));
  REMIT_ASSIGN(request.context, ReadContext(*context, schema, request.action));
  return request;
}

// Who types a command trusts the file more than a server does what it is sent; positions are 32 bits.
constexpr std::size_t kPolicyTextBytes = 1u << 30;

Result<std::vector<PolicyPtr>> ReadPolicyText(std::string_view text, const std::string& file) {
  return ParsePolicies(text, ShownName(file), "policy", kPolicyTextBytes);
}

Result<Schema> ReadSchemaJson(const json::Value& document) { return Schema::FromJson({document}); }

Result<Schema> ReadSchema(std::string_view text, const std::string& file, bool json) {
  return Schema::Parse({{.file_name = ShownName(file), .text = std::string(text), .json = json}});
}

}  // namespace remit::cedar::command
