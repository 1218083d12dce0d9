// For property tests: stores, requests and policies drawn by a seed, over few names, so that they meet often. Mostly well-typed, sometimes
// not, as failures are half of what is to be compared.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "cedar/authorizer.h"
#include "cedar/parser.h"
#include "cedar/template.h"

namespace remit::cedar {

class RandomWorld {
 public:
  // `ids`: how many entities of each type.
  explicit RandomWorld(std::uint64_t seed, int ids = 4) : dice_(seed), ids_(ids) {}

  int Below(int count) { return std::uniform_int_distribution<int>(0, count - 1)(dice_); }
  bool Chance(double share) { return std::uniform_real_distribution<double>()(dice_) < share; }

  EntityUid Uid(std::string_view types) { return {std::string(1, types[static_cast<std::size_t>(Below(static_cast<int>(types.size())))]), Id()}; }
  EntityUid Action() { return {"Action", std::to_string(Below(5))}; }
  std::string Id() { return std::to_string(Below(ids_ + 1)); }  // one more than there are entities

  std::vector<Entity> Store() {
    std::vector<Entity> entities;
    for (const char type : std::string_view("UGDF")) {
      for (int i = 0; i < ids_; ++i) {
        Entity entity{.uid = {std::string(1, type), std::to_string(i)}, .attributes = Attributes(), .tags = {}, .parents = {}};
        if (Chance(0.5)) entity.tags.emplace("k", "text");
        if (Chance(0.3)) entity.tags.emplace("e", Uid("UGDF"));
        // Users in groups, documents in folders, and both of these in those with a higher number: no cycles.
        const char above = type == 'U' || type == 'G' ? 'G' : 'F';
        for (int count = Below(3); count > 0; --count) {
          const int least = type == above ? i + 1 : 0;
          entity.parents.push_back({std::string(1, above), std::to_string(least + Below(ids_))});
        }
        entities.push_back(std::move(entity));
      }
    }
    for (int i = 0; i < 4; ++i) {
      Entity action{.uid = {"Action", std::to_string(i)}, .attributes = {}, .tags = {}, .parents = {}};
      for (int count = Below(3); count > 0; --count) action.parents.push_back({"Action", std::to_string(i + 1 + Below(3))});
      entities.push_back(std::move(action));
    }
    return entities;
  }

  Request AnyRequest() {
    Request request{Uid(Chance(0.8) ? "U" : "GDF"), Action(), Uid(Chance(0.8) ? "D" : "UGF"), {}};
    request.context = Value::FromRecord(Attributes());
    return request;
  }

  // An expression in Cedar's syntax that is most often of `type`: b(ool), l(ong), s(tring), e(ntity), set (S of longs, E of entities),
  // r(ecord), d(ecimal), t (datetime), p (duration), i(p).
  std::string Expr(char type, int depth) {
    static constexpr std::string_view kTypes = "blseSErdtpi";
    if (Chance(0.03)) type = kTypes[static_cast<std::size_t>(Below(static_cast<int>(kTypes.size())))];
    if (depth > 0 && Chance(0.1)) return "(if " + Expr('b', depth - 1) + " then " + Expr(type, depth - 1) + " else " + Expr(type, depth - 1) + ")";
    if (depth > 0 && Chance(0.3) && type != 'b') return Owner(depth - 1) + "." + AttributeOf(type);
    const int d = depth - 1;
    switch (type) {
      case 'b': return depth <= 0 ? Pick({"true", "false", "context.b", "principal.b"}) : "(" + Bool(d) + ")";
      case 'l':
        if (depth <= 0 || Chance(0.4)) return Pick({"0", "1", "7", "(-3)", "9223372036854775807", "principal.l"});
        return Chance(0.2) ? "(-" + Expr('l', d) + ")" : "(" + Expr('l', d) + Pick({" + ", " - ", " * "}) + Expr('l', d) + ")";
      case 's':
        if (depth > 0 && Chance(0.2)) return Expr('e', d) + ".getTag(" + Pick({"\"k\"", "\"k\"", "\"x\""}) + ")";
        return Pick({"\"\"", "\"a\"", "\"text\"", "\"ab\"", "context.s"});
      case 'e':
        if (Chance(0.6)) return Pick({"principal", "action", "resource", "principal", "resource"});
        if (Chance(0.1)) return Expr('U', d);
        return Chance(0.1) ? Action().ToString() : Uid("UGDF").ToString();
      case 'U': return Uid("UGDF").ToString() + ".getTag(\"e\")";
      case 'S': return List('l', d);
      case 'E': return List('e', d);
      case 'r': return "{" + std::string(Pick({"l", "\"x y\"", "r"})) + ": " + Expr(Chance(0.5) ? 'l' : 'r', d < 0 ? 0 : d) + ", s: \"a\"}";
      case 'd': return Pick({"decimal(\"1.0\")", "decimal(\"-2.5\")", "decimal(\"1.0\")", "decimal(\"x\")"});
      case 't':
        if (depth > 0 && Chance(0.3)) return Expr('t', d) + ".offset(" + Expr('p', d) + ")";
        return Pick({"datetime(\"2024-01-01\")", "datetime(\"2024-01-01T01:00:00Z\")", "datetime(\"1960-05-05\")"});
      case 'p':
        if (depth > 0 && Chance(0.3)) return Expr('t', d) + Pick({".toTime()", ".durationSince(datetime(\"2024-01-01\"))"});
        return Pick({"duration(\"1h\")", "duration(\"-3d1ms\")", "duration(\"60m\")"});
      default: return Pick({"ip(\"10.0.0.1\")", "ip(\"10.0.0.0/8\")", "ip(\"::1\")", "ip(\"10.0.0.1\")", "ip(context.s)"});
    }
  }

  // One policy in Cedar's syntax, sometimes a template.
  std::string Policy(int depth) {
    std::string text = Chance(0.7) ? "permit(" : "forbid(";
    text += Scope("principal", "UG") + ", " + ActionScope() + ", " + Scope("resource", "DF") + ")";
    for (int count = Below(3); count > 0; --count) text += (Chance(0.8) ? " when { " : " unless { ") + Expr('b', depth) + " }";
    return text + ";\n";
  }

  // The policies, with two links in place of each template.
  std::vector<PolicyPtr> Linked(const std::vector<PolicyPtr>& policies) {
    std::vector<PolicyPtr> linked;
    for (const PolicyPtr& policy : policies) {
      if (!policy->IsTemplate()) {
        linked.push_back(policy);
        continue;
      }
      for (const char* suffix : {"a", "b"}) {
        SlotValues values;
        if (!policy->principal.slot.empty()) values.principal = Uid("UG");
        if (!policy->resource.slot.empty()) values.resource = Uid("DF");
        linked.push_back(Link(*policy, policy->id + suffix, values).value());
      }
    }
    return linked;
  }

 private:
  const char* Pick(std::initializer_list<const char*> texts) { return *(texts.begin() + Below(static_cast<int>(texts.size()))); }

  Record Attributes() {
    Record record;
    auto some = [&](const char* name, Value value) {
      if (Chance(0.85)) record.emplace(name, std::move(value));
    };
    std::vector<Value> entities, numbers;
    for (int count = Below(4); count > 0; --count) entities.emplace_back(Uid("UGDF")), numbers.emplace_back(Below(3));
    if (Chance(0.05)) entities.emplace_back(1);
    some("b", Chance(0.5));
    some("l", Below(4));
    some("s", Pick({"a", "text", "ab", "10.0.0.1"}));
    some("e", Uid("UGDF"));
    some("E", Value::Set(entities));
    some("S", Value::Set(numbers));
    some("r", Value::FromRecord({{"l", Below(3)}, {"s", "a"}, {"e", Uid("UG")}, {"E", Value::Set(entities)}}));
    some("d", Decimal{10000 * Below(3)});
    some("t", Datetime{3600'000 * Below(3)});
    some("p", DurationValue{3600'000 * Below(3)});
    some("i", IpAddr{.v6 = false, .prefix = static_cast<std::uint8_t>(Chance(0.5) ? 32 : 8), .bytes = {10, 0, 0, 1}});
    return record;
  }

  std::string AttributeOf(char type) { return Chance(0.05) ? "missing" : std::string(1, type == 'U' ? 'e' : type); }
  std::string Owner(int depth) {
    switch (Below(5)) {
      case 0: return "context";
      case 1: return "context.r";
      case 2: return depth > 0 ? Expr('e', depth - 1) : "principal";
      case 3: return "resource";
      default: return "principal";
    }
  }
  std::string List(char type, int depth) {
    std::string text = "[";
    for (int count = Below(4); count > 0; --count) {
      text += (text.size() > 1 ? ", " : "") + (type == 'e' && Chance(0.6) ? Uid("UGDF").ToString() : Expr(type, depth < 1 ? 0 : depth - 1));
    }
    return text + "]";
  }

  std::string Bool(int d) {
    switch (Below(16)) {
      case 0: return Expr('b', d) + " && " + Expr('b', d);
      case 1: return Expr('b', d) + " || " + Expr('b', d);
      case 2: return "!" + Expr('b', d);
      case 3: {
        const char type = "blseSErdtpi"[Below(11)];
        return Expr(type, d) + Pick({" == ", " != "}) + Expr(type, d);
      }
      case 4: {
        const char type = "ltp"[Below(3)];
        return Expr(type, d) + Pick({" < ", " <= ", " > ", " >= "}) + Expr(type, d);
      }
      case 5: return Expr('e', d) + " in " + Expr(Chance(0.4) ? 'e' : 'E', d);
      case 6: return Pick({"principal", "resource"}) + std::string(" in ") + Owner(d) + Pick({".E", ".E", ".e"});
      case 7: return Expr('e', d) + " is " + Pick({"U", "G", "D"}) + (Chance(0.4) ? " in " + Expr('e', d) : "");
      case 8: return Expr(Chance(0.7) ? 'e' : 'r', d) + " has " + Pick({"b", "e.l", "r.e.s", "l.x", "missing", "\"x y\"", "E"});
      case 9: return Expr('s', d) + " like " + Pick({"\"*\"", "\"a*\"", "\"*e*t\"", "\"\"", "\"text\""});
      case 10: return (Chance(0.5) ? Expr('E', d) : Owner(d) + ".E") + ".contains(" + Expr('e', d) + ")";
      case 11: return Expr('S', d) + ".contains(" + Expr('l', d) + ")";
      case 12: {
        const char type = "SE"[Below(2)];
        return Expr(type, d) + Pick({".containsAll(", ".containsAny("}) + Expr(type, d) + ")";
      }
      case 13: return Expr("SE"[Below(2)], d) + ".isEmpty()";
      case 14: return Expr('e', d) + ".hasTag(" + Pick({"\"k\"", "\"x\"", "\"e\""}) + ")";
      default:
        switch (Below(3)) {
          case 0: return Expr('i', d) + ".isInRange(" + Expr('i', d) + ")";
          case 1: return Expr('d', d) + ".lessThan(" + Expr('d', d) + ")";
          default: return Expr('p', d) + ".toHours() == " + Expr('l', d);
        }
    }
  }

  std::string Scope(const std::string& variable, std::string_view types) {
    if (Chance(0.1)) types = "UGDF";
    const std::string entity = Chance(0.05) ? "?" + variable : Uid(types).ToString();
    switch (Below(6)) {
      case 0: return variable;
      case 1:
      case 2: return variable + " == " + entity;
      case 3: return variable + " in " + entity;
      case 4: return variable + " is " + types[static_cast<std::size_t>(Below(static_cast<int>(types.size())))];
      default: return variable + " is " + types[static_cast<std::size_t>(Below(static_cast<int>(types.size())))] + " in " + entity;
    }
  }
  std::string ActionScope() {
    switch (Below(5)) {
      case 0: return "action";
      case 1: return "action in " + Action().ToString();
      case 2: {
        std::string text = "action in [";
        for (int count = Below(4); count > 0; --count) text += (text.back() == '[' ? "" : ", ") + Action().ToString();
        return text + "]";
      }
      default: return "action == " + Action().ToString();
    }
  }

  std::mt19937_64 dice_;
  int ids_;
};

}  // namespace remit::cedar
