// What several commands read: policies, a schema, entities, a request; each a group of options as the reference command names them.
//
// A file that is not named, or named `-`, is standard input where the group says so. Formats that are not given follow from the ending:
// `.json` is JSON, everything else Cedar's own syntax.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/ast.h"
#include "cedar/authorizer.h"
#include "cedar/command/files.h"
#include "cedar/command/options.h"
#include "cedar/entities.h"
#include "cedar/schema.h"
#include "cedar/template.h"
#include "json/value.h"

namespace remit::cedar::command {

// Policies as they are used: static ones and linked templates together, and the templates themselves.
struct Policies {
  std::vector<PolicyPtr> policies, templates;
};

// --policies, --policy-format, --template-linked
struct PolicyInput {
  std::optional<std::string> file, format, links;

  void AddTo(Options& options, bool standard_input);
  // Nothing filled in yet. Policies in Cedar's syntax are named by their @id where they have one, else policy0, policy1, …; JSON is a policy
  // set or one policy. Errors: those of the readers.
  Result<PolicySetSource> ReadSource() const;
  bool IsText() const;            // by its format, or by its ending
  Result<Policies> Read() const;  // errors: those of LinkAll, too

  // The same in two steps: what the file holds, and what that means.
  Result<std::string> Text() const;
  Result<Policies> ReadFrom(const std::string& text) const;

 private:
  Result<PolicySetSource> ReadSourceFrom(const std::string& text) const;
};

// The file of --template-linked: [{"template_id", "link_id", "args": {"?principal": "User::…"}}]. Errors: `bad-links`, `bad-entity-uid`.
Result<std::vector<TemplateLink>> ReadLinks(const std::string& file);
json::Value LinksToJson(const std::vector<TemplateLink>& links);
// {"?principal": "User::…", "?resource": "Photo::…"}. Errors: `bad-links`, `bad-entity-uid`.
Result<SlotValues> SlotsFromJson(const json::Value& document);

// --schema, --schema-format
struct SchemaInput {
  std::optional<std::string> file, format;

  void AddTo(Options& options);
  Result<std::optional<Schema>> Read() const;  // none: no file is named
};

// --entities
struct EntityInput {
  std::optional<std::string> file;

  void AddTo(Options& options);
  Result<Entities> Read(const Schema* schema) const;  // empty but for the schema's actions: no file is named

  // The same in two steps.
  Result<std::string> Text() const;
  Result<Entities> ReadFrom(const std::string& text, const Schema* schema) const;
};

// --principal, --action, --resource, --context, --request-json, --request-validation
struct RequestInput {
  std::optional<std::string> principal, action, resource, context, json, validation;

  void AddTo(Options& options);
  // Errors: `missing-request` where a part is not given; `bad-entity-uid`, and what the schema says of it.
  Result<Request> Read(const Schema* schema) const;
};

// {"principal", "action", "resource", "context"}; entities as {"type", "id"} or as text. In two steps, for who reads the context in a way of
// its own. Errors: `missing-request`, those of the readers.
Result<Request> RequestWithoutContext(const json::Value& document);
Result<const json::Value*> ContextMember(const json::Value& document);
// With its context. Not checked against the schema but for the
// context's form. Errors: `missing-request`, those of the readers.
Result<Request> RequestFromJson(const json::Value& document, const Schema* schema);

// An entity as people write it; nothing where nothing is given. `what` is for the message. Errors: `bad-entity-uid`.
Result<std::optional<EntityUid>> OptionalUid(const std::optional<std::string>& text, std::string_view what);

bool EndsInJson(std::string_view file);

Result<std::vector<PolicyPtr>> ReadPolicyText(std::string_view text, const std::string& file);
Result<Schema> ReadSchema(std::string_view text, const std::string& file, bool json);

Result<Schema> ReadSchemaJson(const json::Value& document);

// A policy set in JSON as PolicySetFromJson reads it, or with one text as "staticPolicies".
Result<PolicySetSource> ReadPolicySet(const json::Value& document);

// Policies and templates told apart; no links.
PolicySetSource Sorted(std::vector<PolicyPtr> policies);

// What LinkAll makes of it, and the templates. Errors: those of LinkAll.
Result<Policies> Linked(PolicySetSource source);

// `unknown-action`, with the nearest that there is.
std::unexpected<Error> UnknownAction(const Schema& schema, const EntityUid& action);

// By the action's declared type, as far as that decides how something is read (Schema::ValidateRequest asks the rest); as it is written
// without a schema. Errors: `unknown-action`, `bad-value`, `ill-typed`.
Result<Value> ReadContext(const json::Value& document, const Schema* schema, const EntityUid& action);

}  // namespace remit::cedar::command
