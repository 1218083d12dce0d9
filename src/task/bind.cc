// From what was typed or sent to the parameters of a task: each read by its declared type, each entity known. See catalog.h.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "json/read.h"
#include "task/builtin_schema.h"
#include "task/catalog.h"
#include "task/entity_id.h"
#include "task/task.h"

namespace remit::task {
namespace {

using TypeKind = cedar::Type::Kind;

class Reader {
 public:
  Reader(const Catalog& catalog, std::string name, bool from_text) : catalog_(catalog), name_(std::move(name)), from_text_(from_text) {}

  Result<cedar::Value> Read(const json::Value& given, const cedar::Type& type) const {
    if (from_text_ && given.IsString()) return ReadText(given.AsString(), type);
    return ReadJson(given, type);
  }

 private:
  std::unexpected<Error> IllTyped(const cedar::Type& type, std::string_view got, std::string_view hint = {}) const {
    return Fail(Code::kInvalidArgument, "ill-typed-parameter", fmt::format("parameter `{}` needs {}, not {}", name_, type.ToString(), got),
                std::string(hint));
  }

  // As typed on the command line.
  Result<cedar::Value> ReadText(const std::string& text, const cedar::Type& type) const {
    const std::string got = fmt::format("`{}`", EscapeControl(text.substr(0, 80)));
    switch (type.kind) {
      case TypeKind::kBool:
        if (text == "true" || text == "false") return cedar::Value(text == "true");
        return IllTyped(type, got, "write `true` or `false`");
      case TypeKind::kLong: {
        std::int64_t number = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && stop == text.data() + text.size()) return cedar::Value(number);
        return IllTyped(type, got, "write a whole number");
      }
      case TypeKind::kSet: {
        if (text.starts_with('[')) return ReadParsed(text, type);
        std::vector<cedar::Value> members;
        if (!text.empty()) {
          for (const std::string& part : Split(text, ',')) {
            REMIT_ASSIGN(cedar::Value member, ReadText(part, *type.element));
            members.push_back(std::move(member));
          }
        }
        return cedar::Value::Set(std::move(members));
      }
      case TypeKind::kRecord: return ReadParsed(text, type);
      case TypeKind::kString:
      case TypeKind::kEntity:
      case TypeKind::kExtension: return ReadJson(json::Value(text), type);
    }
    return IllTyped(type, got);
  }

  Result<cedar::Value> ReadParsed(const std::string& text, const cedar::Type& type) const {
    const auto parsed = json::Parse(text);
    if (!parsed) return IllTyped(type, fmt::format("`{}`", EscapeControl(text.substr(0, 80))), "write it as JSON");
    return ReadJson(*parsed, type);
  }

  Result<cedar::Value> ReadJson(const json::Value& given, const cedar::Type& type) const {
    switch (type.kind) {
      case TypeKind::kSet: return ReadSet(given, type);
      case TypeKind::kRecord: return ReadRecord(given, type);
      case TypeKind::kEntity:
        if (given.IsString()) return ReadEntity(given.AsString(), type);
        break;
      case TypeKind::kExtension:
        // RFC 3339 as people and other programs write it; Cedar's own forms go on below.
        if (type.name == "datetime" && given.IsString()) {
          if (const auto time = ParseTime(given.AsString())) {
            return cedar::Value(cedar::Datetime{std::chrono::floor<std::chrono::milliseconds>(*time).time_since_epoch().count()});
          }
        }
        break;
      default: break;
    }
    auto value = catalog_.schema().ReadValue(given, type);
    if (value) return value;
    const std::string got = given.IsString() ? fmt::format("`{}`", EscapeControl(given.AsString().substr(0, 80))) : std::string(given.TypeName());
    return IllTyped(type, got, value.error().message);
  }

  Result<cedar::Value> ReadSet(const json::Value& given, const cedar::Type& type) const {
    if (!given.IsArray()) return IllTyped(type, given.TypeName());
    std::vector<cedar::Value> members;
    for (const json::Value& item : given.AsArray()) {
      REMIT_ASSIGN(cedar::Value member, ReadJson(item, *type.element));
      members.push_back(std::move(member));
    }
    return cedar::Value::Set(std::move(members));
  }

  Result<cedar::Value> ReadRecord(const json::Value& given, const cedar::Type& type) const {
    if (!given.IsObject()) return IllTyped(type, given.TypeName());
    cedar::Record record;
    for (const auto& [name, value] : given.AsObject()) {
      const auto attribute = type.attributes.find(name);
      if (attribute == type.attributes.end()) return IllTyped(type, fmt::format("a record with `{}`", EscapeControl(name)));
      REMIT_ASSIGN(cedar::Value read, ReadJson(value, *attribute->second.type));
      record.emplace(name, std::move(read));
    }
    for (const auto& [name, attribute] : type.attributes) {
      if (attribute.required && !record.contains(name)) return IllTyped(type, fmt::format("a record without `{}`", name));
    }
    return cedar::Value::FromRecord(std::move(record));
  }

  // `T-1`, or the whole name `Ticket::"T-1"`.
  Result<cedar::Value> ReadEntity(const std::string& text, const cedar::Type& type) const {
    if (text.starts_with(type.name + "::\"") && text.ends_with('"')) {
      const auto uid = cedar::EntityUid::Parse(text);
      if (uid && uid->type == type.name) return cedar::Value(*uid);
    }
    return cedar::Value(cedar::EntityUid{type.name, text});
  }

  const Catalog& catalog_;
  std::string name_;
  bool from_text_;
};

// Every entity of a value may be named and is known.
Status CheckEntities(const Catalog& catalog, const std::string& parameter, const cedar::Value& value, const cedar::EntityView& facts) {
  switch (value.kind()) {
    case cedar::Value::Kind::kSet:
      for (const cedar::Value& member : value.AsSet()) REMIT_TRY(CheckEntities(catalog, parameter, member, facts));
      return {};
    case cedar::Value::Kind::kRecord:
      for (const auto& [name, field] : value.AsRecord()) REMIT_TRY(CheckEntities(catalog, parameter, field, facts));
      return {};
    case cedar::Value::Kind::kEntity: break;
    default: return {};
  }
  const cedar::EntityUid& uid = value.AsEntity();
  if (Status id = CheckEntityId(uid); !id) return std::unexpected(std::move(id).error().Within(fmt::format("parameter `{}`", parameter)));
  if (catalog.IsOpen(uid.type) || facts.Find(uid) != nullptr) return {};
  const cedar::EntityType* type = catalog.schema().FindEntityType(uid.type);
  if (type != nullptr && std::ranges::find(type->enumeration, uid.id) != type->enumeration.end()) return {};
  return Fail(Code::kInvalidArgument, "unknown-entity", fmt::format("parameter `{}`: no `{}` is known", parameter, EscapeControl(uid.ToString())),
              "add it with `remit facts put`, or mark its type `@open` if any id is fine");
}

}  // namespace

Result<cedar::Record> BindParameters(const Catalog& catalog, const TaskType& type, const json::Value& given, const cedar::EntityView& facts,
                                     bool from_text) {
  if (!given.IsObject()) return Fail(Code::kInvalidArgument, "ill-typed-parameter", "parameters are a JSON object");
  std::size_t bytes = 0;
  std::vector<std::string> names;
  for (const Parameter& p : type.parameters) names.push_back(p.name);
  for (const auto& [name, value] : given.AsObject()) {
    bytes += name.size() + (value.IsString() ? value.AsString().size() : 0);
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::string near = Nearest(name, names);
    return Fail(
        Code::kInvalidArgument, "unknown-parameter", fmt::format("`{}` has no parameter `{}`", type.name, EscapeControl(name)),
        near.empty() ? fmt::format("its parameters: {}", names.empty() ? "none" : Join(names, ", ")) : fmt::format("did you mean `{}`?", near));
  }
  if (bytes > limits::kParameterBytes) {
    return Fail(Code::kInvalidArgument, "ill-typed-parameter", fmt::format("the parameters take more than {} bytes", limits::kParameterBytes));
  }
  cedar::Record record;
  for (const Parameter& p : type.parameters) {
    const json::Value* value = given.Find(p.name);
    if (value == nullptr) {
      if (!p.required) continue;
      return Fail(Code::kInvalidArgument, "missing-parameter",
                  fmt::format("`{}` needs the parameter `{}` ({})", type.name, p.name, p.type->ToString()), fmt::format("add {}=…", p.name));
    }
    REMIT_ASSIGN(cedar::Value read, Reader(catalog, p.name, from_text).Read(*value, *p.type));
    REMIT_TRY(CheckEntities(catalog, p.name, read, facts));
    if (const Status valid = catalog.schema().ValidateValue(read, *p.type); !valid) {
      return Fail(Code::kInvalidArgument, "ill-typed-parameter", fmt::format("parameter `{}`: {}", p.name, valid.error().message));
    }
    record.emplace(p.name, std::move(read));
  }
  return record;
}

cedar::Entity TaskEntity(const TaskType& type, const TaskRecord& record, const cedar::Schema& schema) {
  cedar::Entity entity;
  entity.uid = {type.entity_type, record.id};
  const cedar::EntityType* declared = schema.FindEntityType(type.entity_type);
  REMIT_CHECK(declared != nullptr);
  for (const Parameter& p : type.parameters) {
    const json::Value* value = record.parameters.Find(p.name);
    if (value == nullptr) continue;
    // What an older catalog bound and this one types otherwise is left out: policies that ask for it fail, and deny.
    if (auto read = schema.ReadValue(*value, *p.type)) entity.attributes.emplace(p.name, std::move(*read));
  }
  auto millis = [](Time t) { return cedar::Value(cedar::Datetime{std::chrono::floor<std::chrono::milliseconds>(t).time_since_epoch().count()}); };
  // Before the start these are what they would be if it began when it was asked for, or at the time that it was asked for.
  const Time started = record.started.value_or(record.not_before.value_or(record.requested));
  if (type.has_actor) entity.attributes.emplace("actor", cedar::Value(record.actor));
  if (type.has_started) entity.attributes.emplace("started", millis(started));
  if (type.has_deadline) entity.attributes.emplace("deadline", millis(record.started ? record.deadline : started + record.ttl));
  if (type.has_parent && !record.parent.empty()) {
    entity.attributes.emplace("parent", cedar::Value(cedar::EntityUid{declared->attributes.find("parent")->second.type->name, record.parent}));
  }
  return entity;
}

Status CheckActor(const TaskType& type, const cedar::EntityUid& actor) {
  if (type.actor_type.empty() || type.actor_type == actor.type) return {};
  return Fail(Code::kPermissionDenied, "wrong-actor-type",
              fmt::format("`{}` is for actors of type `{}`, not `{}`", type.name, type.actor_type, actor.ToString()));
}

Status CheckReason(const TaskType& type, std::string_view reason) {
  auto bad = [&](std::string message) {
    return Fail(Code::kInvalidArgument, "bad-reason", std::move(message),
                type.reason_pattern.empty() ? "" : fmt::format("`{}` asks for a reason of the form `{}`", type.name, type.reason_pattern));
  };
  if (reason.size() > limits::kReasonBytes) return bad(fmt::format("the reason is longer than {} bytes", limits::kReasonBytes));
  if (!IsUtf8(reason)) return bad("the reason is not UTF-8");
  if (type.reason_pattern.empty()) return {};
  if (reason.empty()) return bad("a reason is needed");
  if (!MatchesReason(type.reason_pattern, reason)) return bad(fmt::format("the reason `{}` does not have the right form", EscapeControl(reason)));
  return {};
}

}  // namespace remit::task
