#include "cedar/command/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/text.h"
#include "cedar/parser.h"
#include "cedar/policy_json.h"
#include "json/read.h"

namespace remit::cedar::command {
namespace {

// The caller names the files: what they hold is theirs to choose.
constexpr json::Limits kLimits{.depth = limits::kJsonDepth * 16, .bytes = std::size_t{1} << 32};

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

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
  if (member == nullptr) return Fail(Code::kInvalidArgument, "missing-request", fmt::format("the request has no `{}`", name));
  if (member->IsString()) return UidOf(member->AsString(), name);
  return EntityUidFromJson(*member);
}

}  // namespace

Result<std::optional<EntityUid>> OptionalUid(const std::optional<std::string>& text, std::string_view what) {
  if (!text) return std::nullopt;
  return UidOf(*text, what);
}

bool EndsInJson(std::string_view file) { return file.ends_with(".json"); }

Result<std::string> ReadText(const std::string& file) {
  const bool standard_input = file == "-";
  std::unique_ptr<std::FILE, Closer> opened(standard_input ? nullptr : std::fopen(file.c_str(), "rb"));
  std::FILE* in = standard_input ? stdin : opened.get();
  std::string text;
  if (in != nullptr) {
    char buffer[1 << 16];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, in)) > 0;) text.append(buffer, n);
  }
  if (in == nullptr || std::ferror(in) != 0) {
    return Fail(Code::kNotFound, "cannot-read", fmt::format("cannot read `{}`: {}", EscapeControl(file), std::strerror(errno)));
  }
  return text;
}

Result<json::Value> ReadJson(const std::string& file) {
  REMIT_ASSIGN(const std::string text, ReadText(file));
  auto value = json::Parse(text, kLimits);
  if (!value) {
    const std::string place = value.error().place;
    return Fail(std::move(value.error()).At(place.empty() ? file : file + ":" + place));
  }
  return *std::move(value);
}

Status WriteText(const std::string& file, std::string_view text) {
  std::unique_ptr<std::FILE, Closer> out(std::fopen(file.c_str(), "wb"));
  if (out == nullptr || std::fwrite(text.data(), 1, text.size(), out.get()) != text.size() || std::fflush(out.get()) != 0) {
    return Fail(Code::kUnavailable, "cannot-write", fmt::format("cannot write `{}`: {}", EscapeControl(file), std::strerror(errno)));
  }
  return {};
}

void PolicyInput::AddTo(Options& options, bool standard_input) {
  options.Value('p', "policies", file, "FILE", standard_input ? "policies and templates; without it: standard input" : "policies and templates")
      .Choice('\0', "policy-format", format, {"cedar", "json"}, "of --policies; without it: by its ending")
      .Value('k', "template-linked", links, "FILE", "links of templates: [{\"template_id\", \"link_id\", \"args\": {\"?principal\": \"User::…\"}}]");
}

namespace {

bool IsPolicySet(const json::Value& document) {
  return document.Find("staticPolicies") != nullptr || document.Find("templates") != nullptr || document.Find("templateLinks") != nullptr;
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

Result<PolicySetSource> PolicyInput::ReadSource() const {
  const std::string name = file.value_or("-");
  PolicySetSource source;
  if (!IsText()) {
    REMIT_ASSIGN(const json::Value document, ReadJson(name));
    if (IsPolicySet(document)) {
      REMIT_ASSIGN(source, PolicySetFromJson(document));
    } else {
      REMIT_ASSIGN(PolicyPtr policy, PolicyFromJson(document, "policy0"));
      source = Sorted({std::move(policy)});
    }
  } else {
    REMIT_ASSIGN(const std::string text, ReadText(name));
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
  REMIT_ASSIGN(PolicySetSource source, ReadSource());
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

Result<Entities> EntityInput::Read(const Schema* schema) const {
  json::Value document = json::Array{};
  if (file) {
    REMIT_ASSIGN(document, ReadJson(*file));
  }
  auto entities = Entities::FromJson(document, schema);
  if (!entities && entities.error().place.empty()) return Fail(std::move(entities.error()).At(file.value_or("")));
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
      return Fail(Code::kInvalidArgument, "usage", "`--request-json` stands in place of `--principal`, `--action`, `--resource` and `--context`");
    }
    REMIT_ASSIGN(const json::Value document, ReadJson(*json));
    REMIT_ASSIGN(request, RequestFromJson(document, schema));
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
    REMIT_ASSIGN(request.context, ReadContext(context_document, schema, request.action));
  }
  const bool validate = validation.value_or("true") == "true";
  if (validate && schema != nullptr) REMIT_TRY(schema->ValidateRequest(request));
  return request;
}

Result<Request> RequestFromJson(const json::Value& document, const Schema* schema) {
  Request request;
  REMIT_ASSIGN(request.principal, UidMember(document, "principal"));
  REMIT_ASSIGN(request.action, UidMember(document, "action"));
  REMIT_ASSIGN(request.resource, UidMember(document, "resource"));
  const json::Value* context = document.Find("context");
  if (context == nullptr) return Fail(Code::kInvalidArgument, "missing-request", "the request has no `context`", "write \"context\": {}");
  REMIT_ASSIGN(request.context, ReadContext(*context, schema, request.action));
  return request;
}

Result<std::vector<PolicyPtr>> ReadPolicyText(std::string_view text, const std::string& file) {
  return ParsePolicies(text, file == "-" ? "<stdin>" : file);
}

Result<Schema> ReadSchemaJson(const json::Value& document) { return Schema::FromJson({document}); }

Result<Schema> ReadSchema(std::string_view text, const std::string& file, bool json) {
  return Schema::Parse({{.file_name = file == "-" ? "<stdin>" : file, .text = std::string(text), .json = json}});
}

}  // namespace remit::cedar::command
