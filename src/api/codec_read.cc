// Reading of request documents. See codec.h.
#include <algorithm>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/rest.h"
#include "base/limits.h"
#include "base/text.h"
#include "cedar/type_name.h"
#include "json/object_reader.h"
#include "json/write.h"

namespace remit::api {
namespace {

bool IsHex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string Field(std::string_view place, std::string_view name) { return fmt::format("{}.{}", place, name); }

// An object, or {} where it is absent.
json::Value ObjectOrEmpty(json::ObjectReader& r, std::string_view name) {
  const json::Object* object = r.OptionalObject(name);
  return object == nullptr ? json::Value(json::Object{}) : json::Value(*object);
}

// The uid that a reader's field holds; an absent field is the reader's error.
template <class ReadOne>
cedar::EntityUid RequiredUid(json::ObjectReader& r, std::string_view name, Status& status, ReadOne read) {
  const json::Value& value = r.RequiredValue(name);
  if (!r.ok()) return {};
  auto uid = read(value, Field("body", name));
  if (uid.has_value()) return std::move(uid).value();
  if (status.has_value()) status = Fail(std::move(uid).error());
  return {};
}

Status CheckFileName(const std::string& name) {
  for (const std::string& part : Split(name, '/')) {
    if (part.empty() || part == "." || part == ".." || part.size() > 255 || !IsVisible(part)) {
      return Fail(Code::kInvalidArgument, "bad-file-name", fmt::format("`{}` is not the relative name of a file in a catalog", EscapeControl(name)));
    }
  }
  return {};
}

}  // namespace

Result<cedar::EntityUid> ReadUid(const json::Value& value, std::string_view place) {
  if (value.IsString()) {
    auto uid = cedar::EntityUid::Parse(value.AsString());
    if (!uid.has_value()) return Fail(std::move(uid).error().At(std::string(place)));
    return uid;
  }
  if (!value.IsObject()) {
    return Fail(Error(Code::kInvalidArgument, "bad-field", fmt::format("an entity is `Type::\"id\"` or an object, not {}", value.TypeName()))
                    .At(std::string(place)));
  }
  json::ObjectReader r(value, place);
  cedar::EntityUid uid{r.RequiredString("type"), r.RequiredString("id")};
  REMIT_TRY(r.Finish());
  return CheckUid(std::move(uid), place);
}

Result<cedar::EntityUid> CheckUid(cedar::EntityUid uid, std::string_view place) {
  // A type that is no type would otherwise be found out late, and by each of those behind differently.
  if (!cedar::IsTypeName(uid.type) || uid.id.size() > limits::kEntityIdBytes) {
    return Fail(Error(Code::kInvalidArgument, "bad-entity-uid", fmt::format("`{}` is not the uid of an entity", EscapeControl(uid.ToString())))
                    .At(std::string(place)));
  }
  return uid;
}

Result<cedar::EntityUid> ActionOfName(std::string_view name) {
  if (name.find("::") == std::string_view::npos) {
    if (name.empty() || name.size() > limits::kEntityIdBytes || !IsVisible(name)) {
      return Fail(Code::kInvalidArgument, "bad-entity-uid", fmt::format("`{}` is not the name of an action", EscapeControl(name)));
    }
    return cedar::EntityUid{"Action", std::string(name)};
  }
  return cedar::EntityUid::Parse(name);
}

Result<cedar::EntityUid> ReadAction(const json::Value& value, std::string_view place) {
  if (!value.IsString()) return ReadUid(value, place);
  auto uid = ActionOfName(value.AsString());
  if (!uid.has_value()) return Fail(std::move(uid).error().At(std::string(place)));
  return uid;
}

namespace {

// What starts and sub-tasks have in common.
Result<broker::StartRequest> ReadStart(json::ObjectReader& r) {
  broker::StartRequest request;
  request.type = r.RequiredString("type");
  request.parameters = ObjectOrEmpty(r, "parameters");
  request.parameters_from_text = r.OptionalBool("from_text").value_or(false);
  request.reason = r.OptionalString("reason").value_or("");
  const auto ttl = r.OptionalString("ttl"), at = r.OptionalString("at");
  request.break_glass = r.OptionalBool("break_glass").value_or(false);
  request.held = r.OptionalBool("held").value_or(false);
  request.idempotency_key = r.OptionalString("idempotency_key").value_or("");
  if (request.idempotency_key.size() > limits::kRequestIdBytes) r.Refuse("idempotency_key", fmt::format("at most {} bytes", limits::kRequestIdBytes));
  if (json::Write(request.parameters).size() > limits::kParameterBytes)
    r.Refuse("parameters", fmt::format("at most {} bytes", limits::kParameterBytes));
  REMIT_TRY(r.Finish());
  if (ttl.has_value()) {
    REMIT_ASSIGN(request.ttl, ParseDuration(*ttl));
  }
  if (at.has_value()) {
    REMIT_ASSIGN(request.at, ParseTime(*at));
  }
  return request;
}

}  // namespace

Result<broker::StartRequest> ReadStart(const json::Value& body) {
  json::ObjectReader r(body, "body");
  return ReadStart(r);
}

Result<broker::DelegateRequest> ReadDelegate(const json::Value& body) {
  json::ObjectReader r(body, "body");
  broker::DelegateRequest request;
  const json::Value* actor = r.OptionalValue("actor");
  REMIT_ASSIGN(request.start, ReadStart(r));
  if (actor != nullptr) {
    REMIT_ASSIGN(request.actor, ReadUid(*actor, "body.actor"));
  }
  return request;
}

Result<ExtendRequest> ReadExtend(const json::Value& body) {
  json::ObjectReader r(body, "body");
  ExtendRequest request;
  const std::string more = r.RequiredString("more");
  request.reason = r.OptionalString("reason").value_or("");
  if (request.reason.size() > limits::kReasonBytes) r.Refuse("reason", fmt::format("at most {} bytes", limits::kReasonBytes));
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(request.more, ParseDuration(more));
  return request;
}

Result<EndRequest> ReadEnd(const json::Value& body, ReasonRule rule) {
  json::ObjectReader r(body, "body");
  EndRequest request;
  request.wait = limits::kCompleteWait;
  const auto wait = r.OptionalString("wait");
  if (rule == ReasonRule::kRequired) request.reason = r.RequiredString("reason");
  if (request.reason.size() > limits::kReasonBytes) r.Refuse("reason", fmt::format("at most {} bytes", limits::kReasonBytes));
  REMIT_TRY(r.Finish());
  if (wait.has_value()) {
    REMIT_ASSIGN(request.wait, ReadWait(*wait));
  }
  return request;
}

Result<std::string> ReadNote(const json::Value& body) {
  json::ObjectReader r(body, "body");
  std::string note = r.OptionalString("note").value_or("");
  REMIT_TRY(r.Finish());
  return note;
}

Result<broker::UseRequest> ReadCheck(const json::Value& body, std::string_view of_itself) {
  json::ObjectReader r(body, "body");
  Status status;
  broker::UseRequest request;
  request.task = r.OptionalString("task").value_or("");
  request.token = r.OptionalString("token").value_or("");
  request.action = RequiredUid(r, "action", status, ReadAction);
  request.resource = RequiredUid(r, "resource", status, ReadUid);
  request.context = ObjectOrEmpty(r, "context");
  request.resource_attributes = ObjectOrEmpty(r, "resource_attributes");
  if (request.task.empty() && request.token.empty()) request.task = of_itself;
  if (request.task.empty() == request.token.empty()) r.Refuse("task", "give one of `task` and `token`");
  REMIT_TRY(r.Finish());
  REMIT_TRY(status);
  return request;
}

Result<broker::TokenRequest> ReadToken(const json::Value& body, std::string_view task) {
  json::ObjectReader r(body, "body");
  broker::TokenRequest request;
  request.task = task;
  request.audience = r.RequiredString("audience");
  request.offline = r.OptionalBool("offline").value_or(false);
  REMIT_TRY(r.Finish());
  return request;
}

Result<broker::ExplainRequest> ReadExplain(const json::Value& body) {
  json::ObjectReader r(body, "body");
  broker::ExplainRequest request;
  request.type = r.RequiredString("type");
  request.parameters = ObjectOrEmpty(r, "parameters");
  request.from_text = r.OptionalBool("from_text").value_or(false);
  request.under = r.OptionalString("under").value_or("");
  const json::Value* actor = r.OptionalValue("actor");
  if (actor != nullptr && request.under.empty()) r.Refuse("actor", "of a sub-task alone: name the task above it in `under`");
  REMIT_TRY(r.Finish());
  if (actor != nullptr) {
    REMIT_ASSIGN(request.actor, ReadUid(*actor, "body.actor"));
  }
  return request;
}

Result<CatalogRequest> ReadCatalog(const json::Value& body) {
  json::ObjectReader r(body, "body");
  CatalogRequest request;
  const json::Array& files = r.RequiredArray("files");
  request.options.dry_run = r.OptionalBool("dry_run").value_or(false);
  request.options.end_older = r.OptionalBool("end_older").value_or(false);
  request.options.allow_lock_out = r.OptionalBool("allow_lock_out").value_or(false);
  REMIT_TRY(r.Finish());
  if (files.size() > limits::kCatalogFiles) {
    return Fail(Code::kInvalidArgument, "too-many-files", fmt::format("a catalog has at most {} files, not {}", limits::kCatalogFiles, files.size()));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    json::ObjectReader file(files[i], fmt::format("body.files[{}]", i));
    task::CatalogFile one{file.RequiredString("name"), file.RequiredString("text")};
    REMIT_TRY(file.Finish());
    REMIT_TRY(CheckFileName(one.name));
    if (one.text.size() > limits::kCedarFileBytes) {
      return Fail(Error(Code::kInvalidArgument, "file-too-large", fmt::format("a file of a catalog has at most {} bytes", limits::kCedarFileBytes))
                      .At(one.name));
    }
    if (std::ranges::find(request.files, one.name, &task::CatalogFile::name) != request.files.end()) {
      return Fail(Error(Code::kInvalidArgument, "bad-file-name", "two files of this catalog have the same name").At(one.name));
    }
    request.files.push_back(std::move(one));
  }
  return request;
}

// Where facts came from, for the ledger: what the caller says, in a strict form.
Result<json::Value> ReadFactsSource(const json::Value& source) {
  json::ObjectReader r(source, "body.source");
  const std::string from = r.RequiredString("from"), hash = r.RequiredString("hash");
  const auto commit = r.OptionalString("commit");
  if (from.empty() || from.size() > limits::kFactsSourceBytes || !IsVisible(from)) r.Refuse("from", "names a file, a URL or a repository");
  if (!IsHex(hash, 64)) r.Refuse("hash", "is a SHA-256 in hex, 64 digits");
  if (commit && !IsHex(*commit, 40) && !IsHex(*commit, 64)) r.Refuse("commit", "is the whole id of a commit, 40 or 64 hex digits");
  REMIT_TRY(r.Finish());
  return source;
}

Result<FactsRequest> ReadFacts(const json::Value& body) {
  json::ObjectReader r(body, "body");
  FactsRequest request;
  request.entities = r.RequiredArray("entities");
  request.replace = r.OptionalBool("replace").value_or(false);
  if (const auto expected = r.OptionalString("expected")) {  // an empty one is refused, and expects not just anything
    if (!IsHex(*expected, 64)) r.Refuse("expected", "is the hash of facts, 64 hex digits");
    request.origin.expected = *expected;
  }
  request.origin.dry_run = r.OptionalBool("dry_run").value_or(false);
  const json::Value* source = r.OptionalValue("source");
  REMIT_TRY(r.Finish());
  if (source != nullptr) {
    REMIT_ASSIGN(request.origin.source, ReadFactsSource(*source));
  }
  return request;
}

Result<broker::ActorRecord> ReadActor(const json::Value& body) {
  json::ObjectReader r(body, "body");
  Status status;
  broker::ActorRecord actor;
  actor.uid = RequiredUid(r, "uid", status, ReadUid);
  actor.client_id = r.OptionalString("client_id").value_or("");
  if (const json::Object* jwk = r.OptionalObject("jwk")) actor.jwk = *jwk;
  const auto unix_uid = r.OptionalInt("unix_uid");
  actor.barred = r.OptionalBool("barred").value_or(false);
  actor.accounts = r.OptionalStrings("accounts");
  actor.audiences = r.OptionalStrings("audiences");
  actor.vouches_for = r.OptionalStrings("vouches_for");
  if (const json::Value* owner = r.OptionalValue("owner")) {  // "" says that it has none any more
    Result<cedar::EntityUid> uid = owner->IsString() && owner->AsString().empty() ? cedar::EntityUid{} : ReadUid(*owner, "body.owner");
    if (!uid) return std::unexpected(std::move(uid.error()));
    actor.owner = *std::move(uid);
  }
  // 2^32 - 1 is what the kernel says when it does not know.
  if (unix_uid.has_value() && (*unix_uid < 0 || *unix_uid >= 0xffff'ffff)) r.Refuse("unix_uid", "not a user id");
  REMIT_TRY(r.Finish());
  REMIT_TRY(status);
  if (unix_uid.has_value()) actor.unix_uid = static_cast<std::uint32_t>(*unix_uid);
  return actor;
}

Result<broker::PersonRecord> ReadPerson(const json::Value& body) {
  json::ObjectReader r(body, "body");
  Status status;
  broker::PersonRecord person;
  person.uid = RequiredUid(r, "uid", status, ReadUid);
  person.display_name = r.OptionalString("display_name").value_or("");
  person.barred = r.OptionalBool("barred").value_or(false);
  if (person.display_name.size() > limits::kEntityIdBytes || (!person.display_name.empty() && !IsVisible(person.display_name))) {
    r.Refuse("display_name", "a name has no control or invisible characters");
  }
  REMIT_TRY(r.Finish());
  REMIT_TRY(status);
  return person;
}

Result<Secret> ReadSecretValue(const json::Value& body) {
  json::ObjectReader r(body, "body");
  std::string value = r.RequiredString("value");
  const auto encoding = r.OptionalString("encoding");
  if (encoding.has_value() && *encoding != "base64") r.Refuse("encoding", "`base64`, or leave it out for text");
  REMIT_TRY(r.Finish());
  if (encoding.has_value()) {
    auto bytes = Base64Decode(value);
    if (!bytes.has_value()) return Fail(Error(Code::kInvalidArgument, "bad-base64", "the value is not padded base64").At("body.value"));
    value = ToText(*bytes);
  }
  if (value.size() > limits::kSecretBytes) {
    return Fail(
        Error(Code::kInvalidArgument, "secret-too-large", fmt::format("a secret has at most {} bytes", limits::kSecretBytes)).At("body.value"));
  }
  return Secret(std::move(value));
}

}  // namespace remit::api
