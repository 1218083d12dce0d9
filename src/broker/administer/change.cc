// A change that waits for people, as its row.
#include "broker/administer/change.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "crypto/hash.h"
#include "json/object_reader.h"
#include "json/write.h"
#include "task/builtin_schema.h"

namespace remit::broker {

json::Array GivenJson(const std::vector<task::Yes>& yes, bool exact) {
  json::Array array;
  for (const task::Yes& one : yes)
    array.push_back(exact ? json::Object{{"person", one.person.ToString()}, {"at", Micros(one.at)}}
                          : json::Object{{"person", one.person.ToString()}, {"at", FormatTime(one.at)}});
  return array;
}

Hash ChangeRequest::Digest() const {
  const json::Value asked =
      json::Object{{"approval", id},   {"verb", verb},  {"on", json::StringArray(on)}, {"by", by.ToString()}, {"catalog", base}, {"content", content},
                   {"needed", needed}, {"shown", shown}};
  return crypto::Sha256("remit change v1\n" + json::Canonical(asked));
}

json::Value ChangeRequest::ToJson() const {
  return json::Object{{"kind", "change"},
                      {"id", id},
                      {"verb", verb},
                      {"on", json::StringArray(on)},
                      {"by", by.ToString()},
                      {"by_person", by_person},
                      {"base", base},
                      {"content", content},
                      {"shown", shown},
                      {"hash", HexEncode(hash)},
                      {"needed", needed},
                      {"yes", GivenJson(yes, true)},
                      {"requested", Micros(requested)},
                      {"expires", Micros(expires)}};
}

bool ChangeRequest::IsOne(const json::Value& row) {
  const std::string* kind = row.FindString("kind");
  return kind != nullptr && *kind == "change";
}

Result<ChangeRequest> ChangeRequest::FromJson(const json::Value& row) {
  ChangeRequest change;
  json::ObjectReader r(row, "change");
  r.RequiredString("kind");
  change.id = r.RequiredString("id");
  change.verb = r.RequiredString("verb");
  change.on = r.RequiredStrings("on");
  const std::string by = r.RequiredString("by"), hash = r.RequiredString("hash");
  change.by_person = r.RequiredBool("by_person");
  change.base = r.RequiredString("base");
  change.content = r.RequiredValue("content");
  change.shown = r.RequiredValue("shown");
  change.needed = r.RequiredCount("needed");
  change.requested = FromMicros(r.RequiredInt("requested"));
  change.expires = FromMicros(r.RequiredInt("expires"));
  for (const json::Value& given : r.RequiredArray("yes")) {
    json::ObjectReader one(given, "change.yes");
    const std::string person = one.RequiredString("person");
    const Time at = FromMicros(one.RequiredInt("at"));
    REMIT_TRY(one.Finish());
    REMIT_ASSIGN(cedar::EntityUid uid, cedar::EntityUid::Parse(person));
    change.yes.push_back({std::move(uid), at});
  }
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(change.by, cedar::EntityUid::Parse(by));
  change.hash = change.Digest();
  if (HexEncode(change.hash) != hash) return Fail(Code::kCorrupt, "store-corrupt", "a change that waits is not what was asked");
  return change;
}

}  // namespace remit::broker
