// Runs code over one request. One evaluation at a time, by one thread; allocates only for sets, records and extension values that are
// made on the way.
//
// INVARIANT: comes to what Evaluator comes to over the tree that the code is of, and fails where it fails (machine_test holds both
// together). Why something failed is not known here: who wants the message asks Evaluator, as failures are rare.
#pragma once

#include <forward_list>
#include <functional>

#include "cedar/authorizer.h"
#include "cedar/evaluate/context.h"
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
  using Then = Instruction::Then;

  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // `subjects`: principal, action and resource of the request, known to the world.
  Machine(const Program& program, const World& world, const Datum (&subjects)[3], const Value& context)
      : code_(program.code.data()),
        constants_(program.constants.data()),
        names_(program.names.data()),
        program_(program),
        world_(world),
        subjects_{subjects[0], subjects[1], subjects[2]},
        known_{world.Know(subjects[0]), world.Know(subjects[1]), world.Know(subjects[2])},
        context_(context) {
    if (program.stack >= kStack) long_stack_.resize(program.stack + 1);
    bottom_ = long_stack_.empty() ? std::launder(reinterpret_cast<Datum*>(stack_)) : long_stack_.data();
  }

  // Runs the code from `at` to its end.
  Truth Run(CodeIndex at) {
    if (!made_.empty()) made_.clear();
    const Instruction* const code = code_;
    const Datum* const constants = constants_;
    const QuickName* const names = names_;
    Datum* top = bottom_;  // the highest value
    const Instruction* next = code + at;
    auto take_right = [&](const Instruction& now) { return now.b != Instruction::kNone ? constants + now.b : top--; };
    // Whether it is the end, and then `truth` is the result. Never called: `top` and `next` would have to be in memory.
    auto ends = [&](const Instruction& now, bool truth) __attribute__((always_inline)) {
      switch (now.then) {
        case Then::kPush: *top = Datum::Bool(truth); return false;
        case Then::kReturnIfFalse:
          if (!truth) return true;
          --top;
          return false;
        case Then::kReturn: return true;
        case Then::kReturnIfTrue:
          if (truth) return true;
          --top;
          return false;
        case Then::kAnd:
        case Then::kOr: break;
      }
      if (truth == (now.then == Then::kOr))
        *top = Datum::Bool(truth), next = code + now.a;
      else
        --top;
      return false;
    };
    // A comparison by order. Whether it is the end, and then `result` is the result.
    Truth result = Truth::kFailed;
    auto compares = [&](const Instruction& now, auto holds) __attribute__((always_inline)) {
      const Datum& right = *take_right(now);
      if (!AreOrdered(*top, right)) return true;
      const bool truth = holds(top->number64, right.number64);
      if (!ends(now, truth)) return false;
      result = TruthOf(truth);
      return true;
    };
    for (;;) {
      const Instruction& now = *next++;
      switch (now.what) {
        case Do::kReturn: return top->Is(Tag::kBool) ? TruthOf(top->truth) : Truth::kFailed;
        case Do::kFail: return Truth::kFailed;
        case Do::kConstant: *++top = constants[now.a]; break;
        case Do::kUid: *++top = world_.Entity(program_.uids[now.a]); break;
        case Do::kSubject: *++top = subjects_[now.a]; break;
        case Do::kContext: *++top = Datum::Of(context_.value()); break;
        case Do::kAttributeOf:
          if (!world_.AttributeOf(known_[now.a], names[now.b], *++top)) [[unlikely]]
            return Truth::kFailed;
          break;
        case Do::kContextField:
          if (!context_.Find(names[now.b], *++top)) [[unlikely]]
            return Truth::kFailed;
          break;
        case Do::kAttribute:
          if (!Attribute(*top, names[now.b], *top)) return Truth::kFailed;
          break;
        case Do::kCheck:
          if (!top->Is(Tag::kBool)) return Truth::kFailed;
          break;
        case Do::kNot:
          if (!top->Is(Tag::kBool)) return Truth::kFailed;
          top->truth = !top->truth;
          break;
        case Do::kJump: next = code + now.a; break;
        case Do::kAnd:
        case Do::kOr:
          if (!top->Is(Tag::kBool)) return Truth::kFailed;
          if (top->truth == (now.what == Do::kOr))
            next = code + now.a;
          else
            --top;
          break;
        case Do::kUnless:
          if (!top->Is(Tag::kBool)) return Truth::kFailed;
          if (!top->truth) next = code + now.a;
          --top;
          break;
        case Do::kEqual:
        case Do::kNotEqual: {
          const Datum& right = *take_right(now);
          const bool truth = Equal(*top, right) == (now.what == Do::kEqual);
          if (ends(now, truth)) return TruthOf(truth);
          break;
        }
        case Do::kLess:
          if (compares(now, std::less<>())) return result;
          break;
        case Do::kLessEqual:
          if (compares(now, std::less_equal<>())) return result;
          break;
        case Do::kGreater:
          if (compares(now, std::greater<>())) return result;
          break;
        case Do::kGreaterEqual:
          if (compares(now, std::greater_equal<>())) return result;
          break;
        case Do::kAdd:
        case Do::kSubtract:
        case Do::kMultiply: {
          const Datum& right = *take_right(now);
          if (!top->Is(Tag::kLong) || !right.Is(Tag::kLong) || Overflows(now.what, top->number64, right.number64)) return Truth::kFailed;
          break;
        }
        case Do::kNegate:
          if (!top->Is(Tag::kLong) || __builtin_sub_overflow(std::int64_t{0}, top->number64, &top->number64)) return Truth::kFailed;
          break;
        case Do::kIs:
          if (!top->Is(Tag::kEntity)) return Truth::kFailed;
          *top = Datum::Bool(SameText(top->uid->type, *program_.types[now.b]));
          break;
        case Do::kIsIn:
          if (!top->Is(Tag::kEntity)) return Truth::kFailed;
          if (!SameText(top->uid->type, *program_.types[now.b])) *top = Datum::Bool(false), next = code + now.a;
          break;
        case Do::kHas:
        case Do::kLike:
        case Do::kIsEmpty:
          *top = OfOne(now, *top);
          if (top->IsFailed()) return Truth::kFailed;
          break;
        case Do::kIn:
        case Do::kContains:
        case Do::kContainsAll:
        case Do::kContainsAny:
        case Do::kHasTag:
        case Do::kGetTag:
          --top;
          *top = OfTwo(now.what, top[0], top[1]);
          if (top->IsFailed()) return Truth::kFailed;
          break;
        case Do::kSet:
        case Do::kRecord:
        case Do::kCall:
          top = top - now.a + 1;
          *top = OfMany(now, std::span(top, now.a));
          if (top->IsFailed()) return Truth::kFailed;
          break;
        default: __builtin_unreachable();
      }
    }
  }

 private:
  static bool Overflows(Do what, std::int64_t& a, std::int64_t b) {
    switch (what) {
      case Do::kAdd: return __builtin_add_overflow(a, b, &a);
      case Do::kSubtract: return __builtin_sub_overflow(a, b, &a);
      default: return __builtin_mul_overflow(a, b, &a);
    }
  }
  static bool AreOrdered(const Datum& a, const Datum& b) {
    return a.tag == b.tag && (a.Is(Tag::kLong) || a.Is(Tag::kDatetime) || a.Is(Tag::kDuration));
  }
  static Datum Bool(Truth truth) { return truth == Truth::kFailed ? Datum::Failed() : Datum::Bool(truth == Truth::kTrue); }

  [[gnu::noinline]] Datum OfOne(const Instruction& now, Datum value) {
    if (now.what == Do::kHas) return Bool(Has(value, now));
    if (now.what == Do::kLike)
      return value.Is(Tag::kString) ? Datum::Bool(Matches(*program_.patterns[now.b], value.value->AsString())) : Datum::Failed();
    return value.Is(Tag::kSet) ? Datum::Bool(value.value->AsSet().empty()) : Datum::Failed();  // kIsEmpty
  }

  [[gnu::noinline]] Datum OfTwo(Do what, Datum left, Datum right) {
    switch (what) {
      case Do::kIn: return Bool(In(left, right));
      case Do::kContains: return Bool(Contains(left, right));
      case Do::kContainsAll: return Bool(ContainsAll(left, right));
      case Do::kContainsAny: return Bool(ContainsAny(left, right));
      case Do::kHasTag: return Bool(HasTag(left, right));
      default: return GetTag(left, right);
    }
  }

  [[gnu::noinline]] Datum OfMany(const Instruction& now, std::span<const Datum> operands) {
    if (now.what == Do::kSet) return MakeSet(operands);
    if (now.what == Do::kRecord) return MakeRecord(operands, now.b);
    return Call(operands, *program_.functions[now.b]);
  }

  bool Equal(const Datum& left, const Datum& right) const {
    if (left.tag != right.tag) return false;
    switch (left.tag) {
      case Tag::kBool: return left.truth == right.truth;
      case Tag::kEntity: return world_.Same(left, right);
      case Tag::kLong:
      case Tag::kDecimal:
      case Tag::kDatetime:
      case Tag::kDuration: return left.number64 == right.number64;
      case Tag::kString: return SameText(left.value->AsString(), right.value->AsString());
      default: return *left.value == *right.value;
    }
  }

  Truth In(Datum child, Datum right) {
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

  Truth Has(Datum value, const Instruction& now) {
    for (std::uint32_t i = 0; i < now.a; ++i) {
      if (!value.Is(Tag::kEntity) && !value.Is(Tag::kRecord)) return Truth::kFailed;
      if (!Attribute(value, program_.names[now.b + i], value)) return Truth::kFalse;
    }
    return Truth::kTrue;
  }

  // Whether there is one, which is then in `out`.
  bool Attribute(Datum owner, const QuickName& name, Datum& out) {
    if (owner.Is(Tag::kEntity)) return world_.AttributeOf(world_.Know(owner), name, out);
    if (!owner.Is(Tag::kRecord)) return false;
    if (owner.value == &context_.value()) return context_.Find(name, out);
    const Record& record = owner.value->AsRecord();
    const auto found = record.find(*name.text);
    if (found == record.end()) return false;
    out = Datum::Of(found->second);
    return true;
  }

  Truth Contains(Datum set, Datum member) const {
    if (!set.Is(Tag::kSet)) return Truth::kFailed;
    if (set.members == Datum::Members::kNumbered) return TruthOf(member.Is(Tag::kEntity) && world_.IsMember(member, set));
    const std::vector<Value>& members = set.value->AsSet();  // sorted
    Value made;
    return TruthOf(std::binary_search(members.begin(), members.end(), ValueOf(member, made)));
  }

  static Truth ContainsAll(Datum set, Datum other) {
    if (!set.Is(Tag::kSet) || !other.Is(Tag::kSet)) return Truth::kFailed;
    const std::vector<Value>&members = set.value->AsSet(), &others = other.value->AsSet();
    return TruthOf(std::includes(members.begin(), members.end(), others.begin(), others.end()));
  }

  static Truth ContainsAny(Datum set, Datum other) {
    if (!set.Is(Tag::kSet) || !other.Is(Tag::kSet)) return Truth::kFailed;
    const std::vector<Value>& members = set.value->AsSet();
    return TruthOf(std::ranges::any_of(other.value->AsSet(), [&](const Value& v) { return std::binary_search(members.begin(), members.end(), v); }));
  }

  Truth HasTag(Datum owner, Datum tag) const {
    if (!owner.Is(Tag::kEntity) || !tag.Is(Tag::kString)) return Truth::kFailed;
    const Entity* entity = world_.Find(owner);
    return TruthOf(entity != nullptr && entity->tags.contains(tag.value->AsString()));
  }

  Datum GetTag(Datum owner, Datum tag) const {
    if (!owner.Is(Tag::kEntity) || !tag.Is(Tag::kString)) return Datum::Failed();
    const Entity* entity = world_.Find(owner);
    if (entity == nullptr) return Datum::Failed();
    const auto found = entity->tags.find(tag.value->AsString());
    return found == entity->tags.end() ? Datum::Failed() : Datum::Of(found->second);
  }

  Datum MakeSet(std::span<const Datum> operands) {
    std::vector<Value> members(operands.size());
    for (std::size_t i = 0; i < operands.size(); ++i) {
      Value made;
      members[i] = ValueOf(operands[i], made);
    }
    return Keep(Value::Set(std::move(members)));
  }

  Datum MakeRecord(std::span<const Datum> operands, std::uint32_t first_name) {
    Record record;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      Value made;
      record.insert_or_assign(*program_.names[first_name + i].text, ValueOf(operands[i], made));
    }
    return Keep(Value::FromRecord(std::move(record)));
  }

  Datum Call(std::span<const Datum> operands, const ExtensionFunction& function) {
    constexpr std::size_t kMost = 2;  // parameters of any function
    Value made[kMost];
    const Value* arguments[kMost] = {};
    REMIT_CHECK(operands.size() <= kMost);
    for (std::size_t i = 0; i < operands.size(); ++i) arguments[i] = &ValueOf(operands[i], made[i]);
    auto result = CallExtension(function, std::span(arguments, operands.size()));
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

  static constexpr std::size_t kStack = 32;

  const Instruction* const code_;
  const Datum* const constants_;
  const QuickName* const names_;
  Datum* bottom_ = nullptr;  // below the first value
  const Program& program_;
  const World world_;
  const Datum subjects_[3];
  const typename World::Known known_[3];  // the subjects
  Context context_;
  std::forward_list<Value> made_;
  std::vector<Datum> long_stack_;                           // where the program needs more than
  alignas(Datum) std::byte stack_[kStack * sizeof(Datum)];  // this, which is not touched before it is used
};

}  // namespace remit::cedar
