// The things that an analysis reasons about: what a request or an entity may hold, named by how it is reached. Terms are numbered and
// shared: the same access has the same number, so that two policies that ask for it speak of one thing.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cedar/partial/partial_types.h"
#include "cedar/schema/types.h"
#include "cedar/value.h"

namespace remit::cedar::analyze {

using TermId = int;
inline constexpr TermId kNoTerm = -1;

// INVARIANT: a term stands for a value of its type in every model, also where the access that it names would fail: whether that can
// happen is said by the atoms around it. So equal bases have equal attributes, and nothing here is undefined.
struct Term {
  enum class Op {
    kValue,    // value: an entity, string or IP address, or something with an order, where a term is needed for it
    kRoot,     // name: "principal", "resource", "context"
    kAttr,     // args[0].name, of an entity or a record
    kTag,      // args[0].getTag(args[1])
    kOpaque,   // name(args): a function of which only that it is one is known
    kWitness,  // name: a member that some set is said to have
  } op = Op::kValue;
  StaticTypePtr type;
  std::string name;
  std::vector<TermId> args;
  Value value;
};

class Terms {
 public:
  TermId Of(const Value& value);
  TermId Root(const std::string& name, StaticTypePtr type);
  TermId Attr(TermId base, const std::string& name, StaticTypePtr type);
  TermId Tag(TermId entity, TermId tag, StaticTypePtr type);
  TermId Opaque(const std::string& name, std::vector<TermId> args, StaticTypePtr type);
  TermId Witness(const std::string& name, StaticTypePtr type);

  const Term& operator[](TermId id) const { return terms_[static_cast<std::size_t>(id)]; }
  TermId size() const { return static_cast<TermId>(terms_.size()); }

 private:
  TermId Add(const std::string& key, Term term);

  std::vector<Term> terms_;
  std::map<std::string, TermId> known_;
};

bool IsEntity(const StaticType& type);
bool IsRecord(const StaticType& type);
bool IsSet(const StaticType& type);
bool IsString(const StaticType& type);
bool IsIp(const StaticType& type);
bool IsNumber(const StaticType& type);  // Long, decimal, datetime, duration: each a 64-bit integer with an order

// The integer behind a value of such a type, and back.
std::int64_t NumberOf(const Value& value);
Value ValueOfNumber(std::int64_t number, const StaticType& type);

}  // namespace remit::cedar::analyze
