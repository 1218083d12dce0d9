// Strict reading of one JSON object: each field is asked for by name and type, the first error sticks, and a field that nobody asked
// for is refused with "did you mean".
//
//   json::ObjectReader r(value, "body");
//   request.type = r.RequiredString("type");
//   request.ttl = r.OptionalInt("ttl");
//   REMIT_TRY(r.Finish());
//
// After an error the getters return empty values. Errors, all with the place: `missing-field`, `bad-field` (ill-typed),
// `unknown-field`, `not-an-object`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace remit::json {

class ObjectReader {
 public:
  // `value` must outlive the reader. `place` is put into errors, e.g. "body" or "catalog.json".
  ObjectReader(const Value& value, std::string_view place);
  ObjectReader(const Object& object, std::string_view place);

  std::string RequiredString(std::string_view name);
  std::int64_t RequiredInt(std::string_view name);
  std::uint32_t RequiredCount(std::string_view name);  // 0 to 2^32 - 1
  bool RequiredBool(std::string_view name);
  std::vector<std::string> RequiredStrings(std::string_view name);  // an array of strings
  const Array& RequiredArray(std::string_view name);
  const Object& RequiredObject(std::string_view name);
  const Value& RequiredValue(std::string_view name);  // of any type, also null

  // Nothing where the field is absent. A field that is there and null is ill-typed.
  std::optional<std::string> OptionalString(std::string_view name);
  std::optional<std::int64_t> OptionalInt(std::string_view name);
  std::optional<bool> OptionalBool(std::string_view name);
  std::optional<std::vector<std::string>> OptionalStrings(std::string_view name);
  const Array* OptionalArray(std::string_view name);
  const Object* OptionalObject(std::string_view name);
  const Value* OptionalValue(std::string_view name);

  // Notes an error of the caller's own about the field `name` (kept if it is the first): reason `bad-field`.
  void Refuse(std::string_view name, std::string message);

  bool ok() const { return !error_.has_value(); }
  // The first error; else the first field that nobody asked for, as `unknown-field`.
  Status Finish();
  // The first error only. For documents of others that say that unknown members must be ignored (OAuth, JWK).
  Status FinishIgnoringUnknown();

 private:
  const Value* Get(std::string_view name, bool required);
  const Value* Typed(std::string_view name, bool required, bool (Value::*is)() const, std::string_view expected);
  std::optional<std::vector<std::string>> Strings(std::string_view name, bool required);
  void Note(Error error);

  const Object* object_;
  std::string place_;
  std::vector<std::string> asked_;
  std::optional<Error> error_;
};

}  // namespace remit::json
