// What an expression evaluates to, symbolically, and what can be said of two such values. Total: everything here presumes that evaluation
// came this far.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/analyze/formula.h"
#include "cedar/entities.h"
#include "cedar/schema.h"

namespace remit::cedar::analyze {

// A sum of multiples of terms and a constant, exact: whether it fits 64 bits is a formula of its own.
struct Linear {
  std::map<TermId, Int128> multiples;  // none is 0
  Int128 constant = 0;
};

// left + sign * right.
Linear Sum(const Linear& left, const Linear& right, Int128 sign = 1);
inline Linear Minus(const Linear& left, const Linear& right) { return Sum(left, right, -1); }

struct Data {
  enum class Kind { kBool, kNumber, kTerm, kSet, kRecord } kind = Kind::kBool;
  StaticTypePtr type;                  // kNumber, kTerm
  Formula truth = Formulas::kFalse;    // kBool
  Linear number;                       // kNumber
  TermId term = kNoTerm;               // kTerm: entity, string, IP address, and sets and records that are not written out
  std::vector<Data> members;           // kSet
  std::map<std::string, Data> fields;  // kRecord
};

// The formulas that comparisons, sets, hierarchy and attributes come to. What cannot be expressed sets `unsupported`, and the answer then
// means nothing: the caller must ask before it believes.
class DataLogic {
 public:
  // Comparisons of values within values: sets of sets ask each member of each other twice.
  static constexpr std::size_t kComparisons = 100'000;

  // All must outlive the logic. `known` may be null: entities that are just as they are there.
  DataLogic(const Schema& schema, const EntityView* known, Terms& terms, Formulas& formulas, TypeCache& types)
      : schema_(schema), known_(known), terms_(terms), formulas_(formulas), types_(types) {}

  Data OfTerm(TermId term) const;
  Data OfValue(const Value& value) const;
  std::optional<TermId> TermOf(const Data& data);  // of the data's type; nothing: no term stands for it

  // What begins the names of terms that stand for the number of another term, as a value of another type.
  static constexpr std::string_view kAsType = "as:";
  const StaticType* TypeOf(const Data& data) const;

  Formula Equal(const Data& a, const Data& b);
  Formula AtMostZero(Linear linear);
  Formula FitsLong(const Linear& linear);

  Formula In(const Data& entity, const Data& group);  // two entities
  Formula InSet(const Data& entity, const Data& set);
  Formula Contains(const Data& set, const Data& member);
  Formula Subset(const Data& inner, const Data& outer);
  Formula Overlap(const Data& a, const Data& b);
  Formula IsEmpty(const Data& set);

  Formula Has(const Data& object, const std::string& attribute);  // an entity or a record
  std::optional<Data> Get(const Data& object, const std::string& attribute);
  Formula HasTag(const Data& entity, const Data& tag);
  std::optional<Data> GetTag(const Data& entity, const Data& tag);
  Formula IsPresent(TermId entity);
  bool NeedsPresence(const std::string& entity_type) const;  // the type has a required attribute

  bool IsEntityData(const Data& data) const { return data.kind == Data::Kind::kTerm && IsEntity(*data.type); }
  bool IsStringData(const Data& data) const { return data.kind == Data::Kind::kTerm && IsString(*data.type); }
  bool IsRecordData(const Data& data) const { return data.kind == Data::Kind::kRecord || (data.kind == Data::Kind::kTerm && IsRecord(*data.type)); }
  bool IsSetData(const Data& data) const { return data.kind == Data::Kind::kSet || (data.kind == Data::Kind::kTerm && IsSet(*data.type)); }

  bool unsupported() const { return unsupported_; }
  Formula Unsupported();

 private:
  struct Declared {
    StaticTypePtr type;
    bool required = true;
  };
  std::optional<Declared> Declares(const StaticType& type, const std::string& attribute);
  const Entity* KnownEntity(const Data& data) const;
  Formula EqualRecords(const Data& a, const Data& b);
  std::vector<std::string> AttributesOf(const Data& record) const;
  Formula EqualTerms(TermId a, TermId b, Atom::Kind kind);
  TermId AsType(TermId number, const StaticTypePtr& type);

  const Schema& schema_;
  const EntityView* known_;
  Terms& terms_;
  Formulas& formulas_;
  TypeCache& types_;
  std::size_t comparisons_ = 0;
  bool unsupported_ = false;
};

}  // namespace remit::cedar::analyze
