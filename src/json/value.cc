// What a JSON value knows of itself: members, types, equality.
#include "json/value.h"

#include <algorithm>
#include <cmath>

namespace remit::json {

Object::Object(std::initializer_list<Member> members) {
  members_.reserve(members.size());
  for (const Member& member : members) {
    REMIT_CHECK(!Contains(member.name));
    members_.push_back(member);
  }
}

const Value* Object::Find(std::string_view name) const {
  for (const Member& member : members_)
    if (member.name == name) return &member.value;
  return nullptr;
}

Value* Object::Find(std::string_view name) {
  for (Member& member : members_)
    if (member.name == name) return &member.value;
  return nullptr;
}

Value& Object::Set(std::string_view name, Value value) {
  Value& place = (*this)[name];
  place = std::move(value);
  return place;
}

Value& Object::operator[](std::string_view name) {
  if (Value* found = Find(name)) return *found;
  return members_.emplace_back(std::string(name), Value()).value;
}

void Object::Append(std::string name, Value value) {
  if (members_.capacity() == 0) members_.reserve(3);  // who has one member most often has another one or two
  members_.emplace_back(std::move(name), std::move(value));
}

bool Object::Erase(std::string_view name) {
  return std::erase_if(members_, [name](const Member& member) { return member.name == name; }) > 0;
}

bool operator==(const Object& a, const Object& b) {
  if (a.size() != b.size()) return false;
  if (std::equal(a.begin(), a.end(), b.begin())) return true;  // the common case: the same order
  const auto sorted = [](const Object& object) {
    std::vector<const Member*> members;
    members.reserve(object.size());
    for (const Member& member : object) members.push_back(&member);
    std::sort(members.begin(), members.end(), [](const Member* x, const Member* y) { return x->name < y->name; });
    return members;
  };
  const auto left = sorted(a), right = sorted(b);
  return std::equal(left.begin(), left.end(), right.begin(), [](const Member* x, const Member* y) { return *x == *y; });
}

Value::Value(double d) : data_(d) { REMIT_CHECK(std::isfinite(d)); }

bool Value::AsBool() const {
  REMIT_CHECK(IsBool());
  return std::get<bool>(data_);
}

std::int64_t Value::AsInt() const {
  REMIT_CHECK(IsInt());
  return std::get<std::int64_t>(data_);
}

double Value::AsDouble() const {
  REMIT_CHECK(IsNumber());
  return IsInt() ? static_cast<double>(std::get<std::int64_t>(data_)) : std::get<double>(data_);
}

const std::string& Value::AsString() const {
  REMIT_CHECK(IsString());
  return std::get<std::string>(data_);
}

const Array& Value::AsArray() const {
  REMIT_CHECK(IsArray());
  return std::get<Array>(data_);
}

Array& Value::AsArray() {
  REMIT_CHECK(IsArray());
  return std::get<Array>(data_);
}

const Object& Value::AsObject() const {
  REMIT_CHECK(IsObject());
  return std::get<Object>(data_);
}

Object& Value::AsObject() {
  REMIT_CHECK(IsObject());
  return std::get<Object>(data_);
}

const Value* Value::Find(std::string_view name) const { return IsObject() ? AsObject().Find(name) : nullptr; }

const std::string* Value::FindString(std::string_view name) const {
  const Value* found = Find(name);
  return found != nullptr && found->IsString() ? &found->AsString() : nullptr;
}

std::string_view Value::TypeName() const {
  static constexpr std::string_view kNames[] = {"null", "a boolean", "an integer", "a number", "a string", "an array", "an object"};
  return kNames[data_.index()];
}

bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

Array StringArray(const std::vector<std::string>& strings) { return Array(strings.begin(), strings.end()); }

}  // namespace remit::json
