#include "posture/holdings.h"

#include <fmt/format.h>

#include "base/text.h"

namespace remit::posture {

std::string_view KindName(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kServer: return "server";
    case ObjectKind::kDatabase: return "database";
    case ObjectKind::kSchema: return "schema";
    case ObjectKind::kTable: return "table";
    case ObjectKind::kView: return "view";
    case ObjectKind::kForeignTable: return "foreign table";
    case ObjectKind::kColumn: return "column";
    case ObjectKind::kSequence: return "sequence";
    case ObjectKind::kFunction: return "function";
    case ObjectKind::kType: return "type";
    case ObjectKind::kLanguage: return "language";
    case ObjectKind::kForeignServer: return "foreign server";
    case ObjectKind::kForeignWrapper: return "foreign-data wrapper";
    case ObjectKind::kLargeObject: return "large object";
    case ObjectKind::kTablespace: return "tablespace";
    case ObjectKind::kParameter: return "parameter";
  }
  return "";
}

std::string Object::ToString() const {
  if (kind == ObjectKind::kServer) return "server";
  std::string text = fmt::format("{} {}{}{}", KindName(kind), schema, schema.empty() ? "" : ".", name);
  if (kind == ObjectKind::kColumn) text += "(" + column + ")";
  return text;
}

std::string_view ViaName(Via via) {
  switch (via) {
    case Via::kGrant: return "grant";
    case Via::kPublic: return "public";
    case Via::kDefault: return "default";
    case Via::kOwner: return "owner";
    case Via::kPredefined: return "predefined";
    case Via::kSuperuser: return "superuser";
    case Via::kAttribute: return "attribute";
    case Via::kFuture: return "future";
  }
  return "";
}

std::string Path::ToString() const {
  std::string last = roles.empty() ? "" : roles.back();
  std::string text;
  switch (via) {
    case Via::kGrant: text = fmt::format("granted to {} by {}", last, grantor); break;
    case Via::kPublic: text = fmt::format("granted to PUBLIC by {}", grantor); break;
    case Via::kDefault: text = "PUBLIC by default"; break;
    case Via::kOwner: text = fmt::format("owned by {}", last); break;
    case Via::kPredefined: text = fmt::format("by the predefined role {}", last); break;
    case Via::kSuperuser: text = fmt::format("{} is a superuser", last); break;
    case Via::kAttribute: text = fmt::format("attribute of {}", last); break;
    case Via::kFuture: text = fmt::format("default privileges of {} for {}", grantor, last); break;
  }
  if (roles.size() > 1) text += "; " + Join(roles, " > ");
  if (!inherited) text += "; only after SET ROLE";
  return text;
}

}  // namespace remit::posture
