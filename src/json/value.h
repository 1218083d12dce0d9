// A JSON value as Remit holds it: integers are int64 and never silently become floating point, objects keep the order in which they
// were written, and equality is that of JSON (the order of members does not count; 1 and 1.0 differ).
//
//   json::Value v = json::Object{{"task", "tsk_…"}, {"uses", 3}, {"tags", json::Array{"a", "b"}}};
//
// An array that holds exactly one array must be written Array{Value(Array{…})}: compilers disagree about Array{Array{…}}.
// Strings are UTF-8. No thread rules of its own: like a std::string.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace remit::json {

class Value;
struct Member;
using Array = std::vector<Value>;

// The members of a JSON object in the order of their insertion; names are unique. Find() is linear: objects are records, not tables.
class Object {
 public:
  // Declared here and defined below, where Member is complete.
  Object();
  Object(std::initializer_list<Member> members);  // a name that is given twice is a programmer's error
  Object(const Object& other);
  Object(Object&& other) noexcept;
  Object& operator=(const Object& other);
  Object& operator=(Object&& other) noexcept;
  ~Object();

  // The member's value, or null where there is none. Valid until the object changes.
  const Value* Find(std::string_view name) const;
  Value* Find(std::string_view name);
  bool Contains(std::string_view name) const { return Find(name) != nullptr; }

  // Replaces the member's value, or adds it at the end. Returns the value's place.
  Value& Set(std::string_view name, Value value);
  // The member's value; a new one (null) at the end where there was none.
  Value& operator[](std::string_view name);
  // Adds at the end without looking for an equal name. INVARIANT: the caller knows that there is none.
  void Append(std::string name, Value value);
  bool Erase(std::string_view name);

  std::size_t size() const;
  bool empty() const;
  std::vector<Member>::const_iterator begin() const;  // for (const auto& [name, value] : object)
  std::vector<Member>::const_iterator end() const;
  std::vector<Member>::iterator begin();
  std::vector<Member>::iterator end();

  friend bool operator==(const Object& a, const Object& b);

 private:
  std::vector<Member> members_;
};

class Value {
 public:
  Value() = default;  // null
  Value(std::nullptr_t) {}
  template <std::same_as<bool> B>
  Value(B b) : data_(b) {}
  // Any integer that fits into int64; one that does not is a programmer's error.
  template <std::integral I>
    requires(!std::same_as<I, bool> && !std::same_as<I, char>)
  Value(I i) : data_(static_cast<std::int64_t>(i)) {
    REMIT_CHECK(std::in_range<std::int64_t>(i));
  }
  Value(double d);  // finite, or it is a programmer's error: JSON has no other
  Value(const char* s) : data_(std::string(s)) {}
  Value(std::string s) : data_(std::move(s)) {}
  Value(std::string_view s) : data_(std::string(s)) {}
  Value(Array a) : data_(std::move(a)) {}
  Value(Object o) : data_(std::move(o)) {}

  bool IsNull() const { return std::holds_alternative<std::monostate>(data_); }
  bool IsBool() const { return std::holds_alternative<bool>(data_); }
  bool IsInt() const { return std::holds_alternative<std::int64_t>(data_); }
  bool IsDouble() const { return std::holds_alternative<double>(data_); }
  bool IsNumber() const { return IsInt() || IsDouble(); }
  bool IsString() const { return std::holds_alternative<std::string>(data_); }
  bool IsArray() const { return std::holds_alternative<Array>(data_); }
  bool IsObject() const { return std::holds_alternative<Object>(data_); }

  // The content. Asking for another type than it has is a programmer's error and ends the process: ask Is…() first.
  bool AsBool() const;
  std::int64_t AsInt() const;
  double AsDouble() const;  // also of an integer
  const std::string& AsString() const;
  const Array& AsArray() const;
  Array& AsArray();
  const Object& AsObject() const;
  Object& AsObject();

  // The member of that name; null where this is not an object or has no such member. Never aborts.
  const Value* Find(std::string_view name) const;
  // The member of that name if it is a string, else null.
  const std::string* FindString(std::string_view name) const;

  // "null", "a boolean", "an integer", "a number", "a string", "an array", "an object": for messages.
  std::string_view TypeName() const;

  friend bool operator==(const Value& a, const Value& b);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Member {
  std::string name;
  Value value;
  friend bool operator==(const Member&, const Member&) = default;
};

inline Object::Object() = default;
inline Object::Object(const Object& other) = default;
inline Object::Object(Object&& other) noexcept = default;
inline Object& Object::operator=(const Object& other) = default;
inline Object& Object::operator=(Object&& other) noexcept = default;
inline Object::~Object() = default;
inline std::size_t Object::size() const { return members_.size(); }
inline bool Object::empty() const { return members_.empty(); }
inline std::vector<Member>::const_iterator Object::begin() const { return members_.begin(); }
inline std::vector<Member>::const_iterator Object::end() const { return members_.end(); }
inline std::vector<Member>::iterator Object::begin() { return members_.begin(); }
inline std::vector<Member>::iterator Object::end() { return members_.end(); }

// An array of strings.
Array StringArray(const std::vector<std::string>& strings);

}  // namespace remit::json
