// See codec.h.
#include "task/codec.h"

#include <bit>
#include <cstring>
#include <unordered_set>

#include <fmt/format.h>

#include "base/limits.h"

namespace remit::task {
namespace {

enum JsonTag : std::uint8_t { kNull, kFalse, kTrue, kInt, kDouble, kString, kArray, kObject };

// Names of one object must differ; small objects, i.e. nearly all, are compared pair by pair.
bool Distinct(const json::Object& object) {
  constexpr std::size_t kFew = 16;
  if (object.size() <= kFew) {
    for (auto a = object.begin(); a != object.end(); ++a) {
      for (auto b = object.begin(); b != a; ++b) {
        if (a->name == b->name) return false;
      }
    }
    return true;
  }
  std::unordered_set<std::string_view> names;
  for (const auto& [name, value] : object) {
    if (!names.insert(name).second) return false;
  }
  return true;
}

}  // namespace

void Encoder::Unsigned(std::uint64_t number) {
  while (number >= 0x80) {
    Byte(static_cast<std::uint8_t>(number | 0x80));
    number >>= 7;
  }
  Byte(static_cast<std::uint8_t>(number));
}

void Encoder::Signed(std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  Unsigned(number < 0 ? ~(bits << 1) : bits << 1);
}

void Encoder::Text(std::string_view text) {
  Unsigned(text.size());
  out_.append(text);
}

void Encoder::Uid(const cedar::EntityUid& uid) {
  Text(uid.type);
  Text(uid.id);
}

void Encoder::MaybeAt(const std::optional<Time>& time) {
  Byte(time ? 1 : 0);
  if (time) At(*time);
}

void Encoder::Json(const json::Value& value) {
  if (value.IsNull()) {
    Byte(kNull);
  } else if (value.IsBool()) {
    Byte(value.AsBool() ? kTrue : kFalse);
  } else if (value.IsInt()) {
    Byte(kInt);
    Signed(value.AsInt());
  } else if (value.IsDouble()) {
    Byte(kDouble);
    const auto bits = std::bit_cast<std::uint64_t>(value.AsDouble());
    for (int shift = 0; shift < 64; shift += 8) Byte(static_cast<std::uint8_t>(bits >> shift));
  } else if (value.IsString()) {
    Byte(kString);
    Text(value.AsString());
  } else if (value.IsArray()) {
    Byte(kArray);
    Unsigned(value.AsArray().size());
    for (const json::Value& item : value.AsArray()) Json(item);
  } else {
    Byte(kObject);
    Unsigned(value.AsObject().size());
    for (const auto& [name, member] : value.AsObject()) {
      Text(name);
      Json(member);
    }
  }
}

std::uint8_t Decoder::Byte() {
  if (!ok_ || rest_.empty()) {
    ok_ = false;
    return 0;
  }
  const auto byte = static_cast<std::uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return byte;
}

std::uint64_t Decoder::Unsigned() {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = Byte();
    if (shift == 63 && byte > 1) break;  // more than 64 bits
    number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      if (byte == 0 && shift != 0) break;  // not the shortest form
      return ok_ ? number : 0;
    }
  }
  ok_ = false;
  return 0;
}

std::uint32_t Decoder::Unsigned32() {
  const std::uint64_t number = Unsigned();
  if (number > UINT32_MAX) ok_ = false;
  return ok_ ? static_cast<std::uint32_t>(number) : 0;
}

std::int64_t Decoder::Signed() {
  const std::uint64_t bits = Unsigned();
  return static_cast<std::int64_t>((bits & 1) != 0 ? ~(bits >> 1) : bits >> 1);
}

std::string Decoder::Text() {
  const std::uint64_t size = Unsigned();
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return {};
  }
  std::string text(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return text;
}

Hash Decoder::HashBytes() {
  Hash hash{};
  if (!ok_ || rest_.size() < hash.size()) {
    ok_ = false;
    return hash;
  }
  std::memcpy(hash.data(), rest_.data(), hash.size());
  rest_.remove_prefix(hash.size());
  return hash;
}

cedar::EntityUid Decoder::Uid() {
  cedar::EntityUid uid;
  uid.type = Text();
  uid.id = Text();
  return uid;
}

std::optional<Time> Decoder::MaybeAt() {
  const std::uint8_t flag = Byte();
  if (flag > 1) ok_ = false;
  if (!ok_ || flag == 0) return std::nullopt;
  return At();
}

std::size_t Decoder::Count(std::size_t item_bytes) {
  const std::uint64_t count = Unsigned();
  if (count > rest_.size() / item_bytes) ok_ = false;
  return ok_ ? count : 0;
}

json::Value Decoder::Json() { return JsonAt(0); }

json::Value Decoder::JsonAt(std::size_t depth) {
  if (depth > limits::kJsonDepth) ok_ = false;
  const std::uint8_t tag = Byte();
  if (!ok_) return nullptr;
  switch (tag) {
    case kNull: return nullptr;
    case kFalse: return false;
    case kTrue: return true;
    case kInt: return Signed();
    case kString: return Text();
    case kDouble: {
      std::uint64_t bits = 0;
      for (int shift = 0; shift < 64; shift += 8) bits |= static_cast<std::uint64_t>(Byte()) << shift;
      const auto number = std::bit_cast<double>(bits);
      if (!(number - number == 0)) ok_ = false;  // JSON has neither infinities nor NaN
      return ok_ ? json::Value(number) : json::Value();
    }
    case kArray: {
      json::Array array;
      const std::size_t count = Count();
      array.reserve(count);
      for (std::size_t i = 0; i < count && ok_; ++i) array.push_back(JsonAt(depth + 1));
      return array;
    }
    case kObject: {
      json::Object object;
      const std::size_t count = Count(2);
      for (std::size_t i = 0; i < count && ok_; ++i) {
        std::string name = Text();
        object.Append(std::move(name), JsonAt(depth + 1));
      }
      if (!Distinct(object)) ok_ = false;
      return object;
    }
    default: ok_ = false; return nullptr;
  }
}

Status Decoder::Finish(std::string_view what) const {
  if (ok_ && rest_.empty()) return {};
  return Fail(Code::kCorrupt, "store-corrupt", fmt::format("a {} in the store is damaged", what), "run `remit ledger verify`");
}

}  // namespace remit::task
