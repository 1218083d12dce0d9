// The context of one request: its fields as data, from the first time that somebody asks.
#pragma once

#include <new>

#include "cedar/entities/datum.h"
#include "cedar/language/hash.h"

namespace remit::cedar {

class Context {
 public:
  explicit Context(const Value& value) : value_(value) {}

  const Value& value() const { return value_; }

  // Whether there is such a field, which is then in `out`. Never, if the context is no record.
  [[gnu::always_inline]] bool Find(const QuickName& name, Datum& out) {
    if (count_ == kNotRead) [[unlikely]]
      Read();
    if (count_ > kMost || !name.quick) [[unlikely]]
      return FindInRecord(name, out);
    for (std::size_t i = 0; i < count_; ++i) {
      if (At(i).name.IsQuickly(name)) return out = At(i).value, true;
    }
    return false;
  }

 private:
  struct Field {
    QuickName name;
    Datum value;
  };
  static constexpr std::size_t kMost = 8, kNotRead = 0xFFFF'FFFF, kTooMany = kMost + 1;

  Field& At(std::size_t i) { return std::launder(reinterpret_cast<Field*>(fields_))[i]; }

  [[gnu::noinline]] void Read() {
    count_ = 0;
    if (!value_.Is(Value::Kind::kRecord)) return;
    const Record& record = value_.AsRecord();
    if (record.size() > kMost) {
      count_ = kTooMany;
      return;
    }
    for (const auto& [name, field] : record) new (&At(count_++)) Field{.name = QuickName(name), .value = Datum::Of(field)};
  }

  [[gnu::noinline]] bool FindInRecord(const QuickName& name, Datum& out) const {
    if (!value_.Is(Value::Kind::kRecord)) return false;
    const auto found = value_.AsRecord().find(*name.text);
    return found != value_.AsRecord().end() && (out = Datum::Of(found->second), true);
  }

  const Value& value_;
  std::size_t count_ = kNotRead;
  alignas(Field) std::byte fields_[kMost * sizeof(Field)];  // not touched before they are read
};

}  // namespace remit::cedar
