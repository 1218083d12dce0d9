// Runs code over one request. One evaluation at a time, by one thread; allocates only for sets, records and extension values that are
// made on the way.
//
// INVARIANT: comes to what Evaluator comes to over the tree that the code is of, and fails where it fails (machine_test holds both
// together). Why something failed is not known here: who wants the message asks Evaluator, as failures are rare.
#pragma once

#include <forward_list>

#include "cedar/authorizer.h"
#include "cedar/evaluate/program.h"
#include "cedar/evaluate/world.h"
#include "cedar/language/escape.h"

namespace remit::cedar {

enum class Truth : std::uint8_t { kFalse, kTrue, kFailed };

inline Truth TruthOf(bool truth) { return truth ? Truth::kTrue : Truth::kFalse; }

template <class World>
class Machine {
 public:
  using Tag = Datum::Tag;

  // `subjects`: principal, action and resource of the request, known to the world.
  Machine(const Program& program, const World& world, const Datum (&subjects)[3], const Value& context)
      : code_(program.code.data()),
        constants_(program.constants.data()),
        names_(program.names.data()),
        program_(program),
        world_(world),
        subjects_{subjects[0], subjects[1], subjects[2]},
        context_(context) {}

  Truth Test(CodeIndex at) {
    const Instruction& code = code_[at];
    switch (code.what) {
      case Do::kAnd: {
        const Truth left = Test(code.a);
        return left == Truth::kTrue ? Test(code.b) : left;
      }
      case Do::kOr: {
        const Truth left = Test(code.a);
        return left == Truth::kFalse ? Test(code.b) : left;
      }
      case Do::kNot: return Not(Test(code.a));
      case Do::kEqual: return Equal(code);
      case Do::kNotEqual: return Not(Equal(code));
      case Do::kLess:
      case Do::kLessEqual:
      case Do::kGreater:
      case Do::kGreaterEqual: return Compare(code);
      case Do::kIn: {
        const Datum left = Run(code.a);
        return left.IsFailed() ? Truth::kFailed : In(left, code.b);
      }
      case Do::kIs:
      case Do::kIsIn: return Is(code);
      case Do::kHas: return Has(code);
      case Do::kLike: {
        const Datum text = Run(code.a);
        return text.Is(Tag::kString) ? TruthOf(Matches(*program_.patterns[code.b], text.value->AsString())) : Truth::kFailed;
      }
      case Do::kContains: return Contains(code);
      case Do::kContainsAll: return ContainsAll(code);
      case Do::kContainsAny: return ContainsAny(code);
      case Do::kIsEmpty: {
        const Datum set = Run(code.a);
        return set.Is(Tag::kSet) ? TruthOf(set.value->AsSet().empty()) : Truth::kFailed;
      }
      case Do::kHasTag: return HasTag(code);
      default: {
        const Datum value = Run(at);
        return value.Is(Tag::kBool) ? TruthOf(value.truth) : Truth::kFailed;
      }
    }
  }

 private:
  // The operands that are most frequent without a call.
  [[gnu::always_inline]] Datum Run(CodeIndex at) {
    const Instruction& code = code_[at];
    if (code.what <= Do::kResource) return subjects_[static_cast<std::size_t>(code.what)];
    if (code.what == Do::kConstant) return constants_[code.a];
    if (code.what == Do::kAttributeOf) return world_.Attribute(subjects_[code.a], names_[code.b]);
    return Operate(at, code);
  }

  [[gnu::noinline]] Datum Operate(CodeIndex at, const Instruction& code) {
    switch (code.what) {
      case Do::kUid: return world_.Entity(program_.uids[code.a]);
      case Do::kContext: return Datum::Of(context_);
      case Do::kFail: return Datum::Failed();
      case Do::kIf: {
        const Truth test = Test(code.a);
        return test == Truth::kFailed ? Datum::Failed() : Run(test == Truth::kTrue ? code.b : code.c);
      }
      case Do::kGetAttribute: return Attribute(Run(code.a), names_[code.b]);
      case Do::kNegate:
      case Do::kAdd:
      case Do::kSubtract:
      case Do::kMultiply: return Arithmetic(code);
      case Do::kGetTag: return GetTag(code);
      case Do::kSet: return MakeSet(code);
      case Do::kRecord: return MakeRecord(code);
      case Do::kCall: return Call(code);
      default: {
        const Truth truth = Test(at);
        return truth == Truth::kFailed ? Datum::Failed() : Datum::Bool(truth == Truth::kTrue);
      }
    }
  }

  static Truth Not(Truth truth) { return truth == Truth::kFailed ? truth : TruthOf(truth == Truth::kFalse); }

  [[gnu::noinline]] Truth Equal(const Instruction& code) {
    const Datum left = Run(code.a);
    if (left.IsFailed()) return Truth::kFailed;
    const Datum right = Run(code.b);
    if (right.IsFailed()) return Truth::kFailed;
    if (left.tag != right.tag) return Truth::kFalse;
    switch (left.tag) {
      case Tag::kBool: return TruthOf(left.truth == right.truth);
      case Tag::kEntity: return TruthOf(world_.Same(left, right));
      case Tag::kLong:
      case Tag::kDecimal:
      case Tag::kDatetime:
      case Tag::kDuration: return TruthOf(left.number64 == right.number64);
      case Tag::kString: return TruthOf(left.value->AsString() == right.value->AsString());
      default: return TruthOf(*left.value == *right.value);
    }
  }

  [[gnu::noinline]] Truth Compare(const Instruction& code) {
    const Datum left = Run(code.a), right = Run(code.b);
    if (!left.Is(Tag::kLong) && !left.Is(Tag::kDatetime) && !left.Is(Tag::kDuration)) return Truth::kFailed;
    if (right.tag != left.tag) return Truth::kFailed;
    switch (code.what) {
      case Do::kLess: return TruthOf(left.number64 < right.number64);
      case Do::kLessEqual: return TruthOf(left.number64 <= right.number64);
      case Do::kGreater: return TruthOf(left.number64 > right.number64);
      default: return TruthOf(left.number64 >= right.number64);
    }
  }

  [[gnu::noinline]] Datum Arithmetic(const Instruction& code) {
    const Datum left = Run(code.a), right = code.what == Do::kNegate ? left : Run(code.b);
    if (!left.Is(Tag::kLong) || !right.Is(Tag::kLong)) return Datum::Failed();
    std::int64_t result = 0;
    const bool overflow = code.what == Do::kAdd        ? __builtin_add_overflow(left.number64, right.number64, &result)
                          : code.what == Do::kSubtract ? __builtin_sub_overflow(left.number64, right.number64, &result)
                          : code.what == Do::kMultiply ? __builtin_mul_overflow(left.number64, right.number64, &result)
                                                       : __builtin_sub_overflow(std::int64_t{0}, left.number64, &result);
    return overflow ? Datum::Failed() : Datum::Number(Tag::kLong, result);
  }

  Truth In(Datum child, CodeIndex right_code) {
    const Datum right = Run(right_code);
    if (!child.Is(Tag::kEntity)) return Truth::kFailed;
    if (right.Is(Tag::kEntity)) return TruthOf(world_.Within(child, right));
    if (!right.Is(Tag::kSet)) return Truth::kFailed;
    if (right.members == Datum::Members::kNumbered) return TruthOf(world_.WithinAny(child, right));
    if (right.members == Datum::Members::kHashed) {
      const Program::UidRange range = program_.uid_sets[right.number];
      for (std::uint32_t at = range.begin; at < range.end; ++at) {
        if (world_.Within(child, world_.Entity(program_.uids[at]))) return Truth::kTrue;
      }
      return Truth::kFalse;
    }
    const std::vector<Value>& members = right.value->AsSet();
    // Kinds first: an answer is only for sets of entities.
    if (!std::ranges::all_of(members, [](const Value& member) { return member.Is(Value::Kind::kEntity); })) return Truth::kFailed;
    return TruthOf(std::ranges::any_of(members, [&](const Value& member) { return world_.Within(child, Datum::Of(member)); }));
  }

  [[gnu::noinline]] Truth Is(const Instruction& code) {
    const Datum entity = Run(code.a);
    if (!entity.Is(Tag::kEntity)) return Truth::kFailed;
    if (!SameText(entity.uid->type, *program_.types[code.b])) return Truth::kFalse;
    return code.what == Do::kIs ? Truth::kTrue : In(entity, code.c);
  }

  [[gnu::noinline]] Truth Has(const Instruction& code) {
    Datum value = Run(code.a);
    for (std::uint32_t i = 0; i < code.c; ++i) {
      if (!value.Is(Tag::kEntity) && !value.Is(Tag::kRecord)) return Truth::kFailed;
      value = Attribute(value, names_[code.b + i]);
      if (value.IsFailed()) return Truth::kFalse;
    }
    return Truth::kTrue;
  }

  Datum Attribute(Datum owner, const QuickName& name) const {
    if (owner.Is(Tag::kEntity)) return world_.Attribute(owner, name);
    if (!owner.Is(Tag::kRecord)) return Datum::Failed();
    const Record& record = owner.value->AsRecord();
    const auto found = record.find(*name.text);
    return found == record.end() ? Datum::Failed() : Datum::Of(found->second);
  }

  [[gnu::noinline]] Truth Contains(const Instruction& code) {
    const Datum set = Run(code.a), member = Run(code.b);
    if (!set.Is(Tag::kSet) || member.IsFailed()) return Truth::kFailed;
    if (set.members == Datum::Members::kNumbered) return TruthOf(member.Is(Tag::kEntity) && world_.IsMember(member, set));
    const std::vector<Value>& members = set.value->AsSet();  // sorted
    Value made;
    return TruthOf(std::binary_search(members.begin(), members.end(), ValueOf(member, made)));
  }

  [[gnu::noinline]] Truth ContainsAll(const Instruction& code) {
    const Datum set = Run(code.a), other = Run(code.b);
    if (!set.Is(Tag::kSet) || !other.Is(Tag::kSet)) return Truth::kFailed;
    const std::vector<Value>&members = set.value->AsSet(), &others = other.value->AsSet();
    return TruthOf(std::includes(members.begin(), members.end(), others.begin(), others.end()));
  }

  [[gnu::noinline]] Truth ContainsAny(const Instruction& code) {
    const Datum set = Run(code.a), other = Run(code.b);
    if (!set.Is(Tag::kSet) || !other.Is(Tag::kSet)) return Truth::kFailed;
    const std::vector<Value>& members = set.value->AsSet();
    return TruthOf(std::ranges::any_of(other.value->AsSet(), [&](const Value& v) { return std::binary_search(members.begin(), members.end(), v); }));
  }

  [[gnu::noinline]] Truth HasTag(const Instruction& code) {
    const Datum owner = Run(code.a), tag = Run(code.b);
    if (!owner.Is(Tag::kEntity) || !tag.Is(Tag::kString)) return Truth::kFailed;
    const Entity* entity = world_.Find(owner);
    return TruthOf(entity != nullptr && entity->tags.contains(tag.value->AsString()));
  }

  [[gnu::noinline]] Datum GetTag(const Instruction& code) {
    const Datum owner = Run(code.a), tag = Run(code.b);
    if (!owner.Is(Tag::kEntity) || !tag.Is(Tag::kString)) return Datum::Failed();
    const Entity* entity = world_.Find(owner);
    if (entity == nullptr) return Datum::Failed();
    const auto found = entity->tags.find(tag.value->AsString());
    return found == entity->tags.end() ? Datum::Failed() : Datum::Of(found->second);
  }

  [[gnu::noinline]] Datum MakeSet(const Instruction& code) {
    std::vector<Value> members;
    members.reserve(code.c);
    for (std::uint32_t i = 0; i < code.c; ++i) {
      const Datum member = Run(program_.operands[code.a + i]);
      if (member.IsFailed()) return member;
      Value made;
      members.push_back(ValueOf(member, made));
    }
    return Keep(Value::Set(std::move(members)));
  }

  [[gnu::noinline]] Datum MakeRecord(const Instruction& code) {
    Record record;
    for (std::uint32_t i = 0; i < code.c; ++i) {
      const Datum field = Run(program_.operands[code.a + i]);
      if (field.IsFailed()) return field;
      Value made;
      record.insert_or_assign(*names_[code.b + i].text, ValueOf(field, made));
    }
    return Keep(Value::FromRecord(std::move(record)));
  }

  [[gnu::noinline]] Datum Call(const Instruction& code) {
    constexpr std::size_t kMost = 2;  // parameters of any function
    Value made[kMost];
    const Value* arguments[kMost] = {};
    for (std::uint32_t i = 0; i < code.c; ++i) {
      const Datum argument = Run(program_.operands[code.a + i]);
      if (argument.IsFailed()) return argument;
      arguments[i] = &ValueOf(argument, made[i]);
    }
    auto result = CallExtension(*program_.functions[code.b], std::span(arguments, code.c));
    return result ? Keep(std::move(*result)) : Datum::Failed();
  }

  // `made` holds it where it does not live elsewhere. What it makes allocates nothing and does not outlive the request.
  static const Value& ValueOf(Datum datum, Value& made) {
    switch (datum.tag) {
      case Tag::kBool: return made = datum.truth;
      case Tag::kLong: return made = datum.number64;
      case Tag::kDecimal: return made = Decimal{datum.number64};
      case Tag::kDatetime: return made = Datetime{datum.number64};
      case Tag::kDuration: return made = DurationValue{datum.number64};
      case Tag::kEntity: return made = Value(std::shared_ptr<const EntityUid>(std::shared_ptr<const void>(), datum.uid));
      default: return *datum.value;
    }
  }

  // A value that was made here, for the rest of this evaluation.
  Datum Keep(Value value) {
    const Datum small = Datum::Of(value);
    const bool lives_elsewhere = small.Is(Tag::kString) || small.Is(Tag::kSet) || small.Is(Tag::kRecord) || small.Is(Tag::kIpAddr);
    return lives_elsewhere ? Datum::Of(made_.emplace_front(std::move(value))) : small;
  }

  const Instruction* const code_;
  const Datum* const constants_;
  const QuickName* const names_;
  const Program& program_;
  const World world_;
  const Datum subjects_[3];
  const Value& context_;
  std::forward_list<Value> made_;
};

}  // namespace remit::cedar
