// Partial evaluation: what folds, what stays, and the law that a residual means the same as what it came from.
#include "cedar/partial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>

#include "cedar/authorizer.h"
#include "cedar/parser.h"

namespace remit::cedar {
namespace {

constexpr std::string_view kSchema = R"(
  entity Folder in Folder;
  entity Open;
  entity Ticket in Folder = { owner: Task, n: Long, opt?: Long };
  entity Task = { ticket: Ticket, tickets: Set<Ticket>, folder: Folder, n: Long, opt?: String, flag: Bool, rec: { a: Long, b?: Bool } } tags String;
  action all; action write in all;
  action read in all appliesTo { principal: Task, resource: [Ticket, Folder, Open], context: { n: Long, mfa?: Bool } };
)";

const Schema& TestSchema() {
  static const Schema schema = [] {
    auto parsed = Schema::Parse({{"s", std::string(kSchema)}});
    REMIT_CHECK(parsed.has_value());
    return *parsed;
  }();
  return schema;
}

EntityUid Task(int i) { return {"Task", "t" + std::to_string(i)}; }
EntityUid Ticket(int i) { return {"Ticket", "k" + std::to_string(i)}; }
EntityUid Folder(int i) { return {"Folder", "f" + std::to_string(i)}; }

Entity MakeTask(int i, bool flag, std::vector<Value> tickets) {
  Entity task;
  task.uid = Task(i);
  task.attributes = {{"ticket", Value(Ticket(i))}, {"tickets", Value::Set(std::move(tickets))},  {"folder", Value(Folder(i))}, {"n", Value(i)},
                     {"flag", Value(flag)},        {"rec", Value::FromRecord({{"a", Value(i)}})}};
  return task;
}

class PartialTest : public testing::Test {
 protected:
  PartialTest() {
    Entity ticket;
    ticket.uid = Ticket(1);
    ticket.attributes = {{"owner", Value(Task(1))}, {"n", Value(7)}};
    ticket.parents = {Folder(1)};
    Entity folder;
    folder.uid = Folder(1);
    folder.parents = {Folder(0)};
    Entity task = MakeTask(1, false, {Value(Ticket(1)), Value(Ticket(2))});
    task.tags = {{"team", Value("red")}};
    auto entities = Entities::Build({std::move(task), std::move(ticket), std::move(folder)});
    REMIT_CHECK(entities.has_value());
    entities_ = *entities;
    request_.principal_type = "Task";
    request_.principal = Task(1);
    request_.action = {"Action", "read"};
    request_.resource_type = "Ticket";
  }

  std::string Reduce(std::string_view text, PartialOptions options = {}) const {
    const auto expr = ParseExpr(text);
    REMIT_CHECK(expr.has_value());
    const auto residual = PartialEvaluate(**expr, request_, entities_, TestSchema(), options);
    return residual ? ToString(**residual) : "error";
  }

  Entities entities_;
  PartialRequest request_;
};

TEST_F(PartialTest, BindsTheParametersOfAConcreteTask) {
  EXPECT_EQ(Reduce("resource == principal.ticket"), "resource == Ticket::\"k1\"");
  EXPECT_EQ(Reduce("resource in principal.folder"), "resource in Folder::\"f1\"");
  EXPECT_EQ(Reduce("principal.tickets.contains(resource)"), "[Ticket::\"k1\", Ticket::\"k2\"].contains(resource)");
  EXPECT_EQ(Reduce("principal.n == 1 && resource == principal.ticket"), "resource == Ticket::\"k1\"");
  EXPECT_EQ(Reduce("principal.flag && resource == principal.ticket"), "false");
  EXPECT_EQ(Reduce("principal has opt && principal.opt == \"x\""), "false");
  EXPECT_EQ(Reduce("principal.hasTag(\"team\") && principal.getTag(\"team\") == \"red\""), "true");
  EXPECT_EQ(Reduce("principal in Folder::\"f1\" || principal.ticket in Folder::\"f0\""), "true");
}

TEST_F(PartialTest, KeepsTheParametersOfASymbolicTask) {
  request_.principal.reset();
  EXPECT_EQ(Reduce("resource == principal.ticket"), "resource == principal.ticket");
  EXPECT_EQ(Reduce("resource in principal.folder"), "resource in principal.folder");
  EXPECT_EQ(Reduce("principal.tickets.contains(resource)"), "principal.tickets.contains(resource)");
  EXPECT_EQ(Reduce("principal is Task && action == Action::\"read\" && resource == principal.ticket"), "resource == principal.ticket");
  EXPECT_EQ(Reduce("principal == Task::\"t1\""), "principal == Task::\"t1\"");
  EXPECT_EQ(Reduce("principal == principal"), "true");
}

TEST_F(PartialTest, FoldsByTheTypeOfTheResource) {
  EXPECT_EQ(Reduce("resource is Ticket"), "true");
  EXPECT_EQ(Reduce("resource is Folder"), "false");
  EXPECT_EQ(Reduce("resource is Ticket in Folder::\"f1\""), "resource in Folder::\"f1\"");
  EXPECT_EQ(Reduce("resource is Folder in Folder::\"f1\""), "false");
  EXPECT_EQ(Reduce("resource == Folder::\"f1\""), "false");
  EXPECT_EQ(Reduce("resource in Ticket::\"k1\""), "resource in Ticket::\"k1\"");  // may be that ticket
  EXPECT_EQ(Reduce("resource in Open::\"o\""), "false");
  EXPECT_EQ(Reduce("resource in [Open::\"o\", Folder::\"f1\"]"), "resource in Folder::\"f1\"");
  EXPECT_EQ(Reduce("[Open::\"o\", Folder::\"f1\"].contains(resource)"), "false");
  EXPECT_EQ(Reduce("resource in principal"), "false");
  request_.resource_type = "Open";
  EXPECT_EQ(Reduce("resource in principal.folder"), "false");
  EXPECT_EQ(Reduce("principal.tickets.contains(resource)"), "false");
}

TEST_F(PartialTest, FoldsHasByWhatTheTypeRequires) {
  EXPECT_EQ(Reduce("resource has owner"), "true");
  EXPECT_EQ(Reduce("resource has nothing"), "false");
  EXPECT_EQ(Reduce("resource has opt"), "resource has opt");
  EXPECT_EQ(Reduce("resource has owner.n"), "resource.owner has n");  // the owner may be missing
  EXPECT_EQ(Reduce("context has n && context.n == 1"), "context.n == 1");
  request_.principal.reset();
  EXPECT_EQ(Reduce("principal has rec.a"), "true");
  EXPECT_EQ(Reduce("principal has rec.b"), "principal.rec has b");
}

TEST_F(PartialTest, DropsOnlyWhatCannotFail) {
  EXPECT_EQ(Reduce("resource == principal.ticket && principal.flag"), "false");
  EXPECT_EQ(Reduce("resource.n == 1 && principal.flag"), "false");  // required, and the resource is in the store
  EXPECT_EQ(Reduce("resource.opt == 1 && principal.flag"), "resource.opt == 1 && false");
  EXPECT_EQ(Reduce("resource has opt && resource.opt == 1 && principal.flag"), "false");
  EXPECT_EQ(Reduce("resource.owner.n == 1 && principal.flag"), "resource.owner.n == 1 && false");
  EXPECT_EQ(Reduce("resource.n + 1 == 1 && principal.flag"), "resource.n + 1 == 1 && false");
  EXPECT_EQ(Reduce("resource.opt == 1 || !principal.flag"), "resource.opt == 1 || true");
  EXPECT_EQ(Reduce("principal.flag && resource.opt == 1"), "false");
}

TEST_F(PartialTest, FoldsIf) {
  EXPECT_EQ(Reduce("if principal.flag then resource.n == 1 else resource == principal.ticket"), "resource == Ticket::\"k1\"");
  EXPECT_EQ(Reduce("if resource.n == 1 then principal.flag else principal.flag"), "false");
  EXPECT_EQ(Reduce("if resource.n == 1 then true else principal.flag"), "resource.n == 1");
  EXPECT_EQ(Reduce("if resource.n == 1 then false else true"), "!(resource.n == 1)");
}

TEST_F(PartialTest, LeavesContextAlone) {
  EXPECT_EQ(Reduce("context.n > 3 && resource == principal.ticket"), "context.n > 3 && resource == Ticket::\"k1\"");
  request_.context = Value::FromRecord({{"n", Value(4)}});
  EXPECT_EQ(Reduce("context.n > 3 && resource == principal.ticket"), "resource == Ticket::\"k1\"");
}

TEST_F(PartialTest, KnowsErrorsThatAreCertain) {
  EXPECT_EQ(Reduce("principal.opt == \"x\""), "error");
  EXPECT_EQ(Reduce("1 + \"a\" == 2"), "error");
  EXPECT_EQ(Reduce("true && 1"), "error");
  EXPECT_EQ(Reduce("9223372036854775807 + 1 == 0"), "error");
  EXPECT_EQ(Reduce("false && principal.opt == \"x\""), "false");
  EXPECT_EQ(Reduce("resource.n == 1 && principal.opt == \"x\""), "resource.n == 1 && {}.error");
  EXPECT_EQ(Reduce("Task::\"gone\".n == 1"), "error");
}

TEST_F(PartialTest, LeavesMissingEntitiesOpenInAnOpenWorld) {
  const PartialOptions open{.open_world = true};
  EXPECT_EQ(Reduce("Task::\"gone\".n == 1", open), "Task::\"gone\".n == 1");
  EXPECT_EQ(Reduce("Ticket::\"gone\" in Folder::\"f1\"", open), "Ticket::\"gone\" in Folder::\"f1\"");
  EXPECT_EQ(Reduce("Ticket::\"gone\" in Open::\"o\"", open), "false");
  EXPECT_EQ(Reduce("Ticket::\"k1\" in Folder::\"f0\"", open), "true");
  EXPECT_EQ(Reduce("Ticket::\"k1\" in Folder::\"f9\"", open), "Ticket::\"k1\" in Folder::\"f9\"");  // f0's parents are not known
  EXPECT_EQ(Reduce("Ticket::\"k1\" in Folder::\"f9\""), "false");
  EXPECT_EQ(Reduce("action in Action::\"all\"", open), "true");
  EXPECT_EQ(Reduce("Task::\"gone\".hasTag(\"x\")", open), "Task::\"gone\".hasTag(\"x\")");
}

TEST_F(PartialTest, CostsNoMoreThanThePolicyIsLong) {
  std::string nested = "resource has opt";
  for (int i = 0; i < 40; ++i) nested = "(if " + nested + " then resource else principal.ticket) has opt";
  EXPECT_NE(Reduce(nested), "");
  std::string is_in = "resource.n == 1";
  for (int i = 0; i < 40; ++i) is_in = "(if " + is_in + " then resource else resource.owner.ticket) is Ticket in Folder::\"f1\"";
  EXPECT_NE(Reduce(is_in), "");
}

// ---- The law. Expressions are mostly well typed, sometimes not; stores conform to the schema and have gaps.

// One seed a case, from rapidcheck: an expression is thousands of choices, too many to shrink one by one.
std::mt19937_64& Dice() {
  static std::mt19937_64 dice;
  return dice;
}

int Pick(int n) { return static_cast<int>(Dice()() % static_cast<std::uint64_t>(n)); }
bool Chance(int percent) { return Pick(100) < percent; }

std::string Bool(int depth);
std::string Any(int depth);
std::string Record_(int depth);
std::string EntitySet(int depth);

std::string Long(int depth) {
  if (Chance(4)) return Any(depth);
  switch (depth <= 0 ? Pick(4) : Pick(10)) {
    case 0: return std::to_string(Pick(4));
    case 1: return "principal.n";
    case 2: return "resource.n";
    case 3: return "context.n";
    case 4: return Record_(depth - 1) + ".a";
    case 5: return "(" + Long(depth - 1) + " + " + Long(depth - 1) + ")";
    case 6: return "(if " + Bool(depth - 1) + " then " + Long(depth - 1) + " else " + Long(depth - 1) + ")";
    case 7: return "resource.opt";
    case 8: return "9223372036854775807";
    default: return "{ a: " + Long(depth - 1) + ", z: " + Any(depth - 1) + " }.a";
  }
}

std::string Entity_(int depth) {
  if (Chance(4)) return Any(depth);
  switch (depth <= 0 ? Pick(6) : Pick(11)) {
    case 0: return "principal";
    case 1: return "resource";
    case 2: return "Task::\"t" + std::to_string(Pick(4)) + "\"";
    case 3: return "Ticket::\"k" + std::to_string(Pick(4)) + "\"";
    case 4: return "Folder::\"f" + std::to_string(Pick(4)) + "\"";
    case 5: return "principal.ticket";
    case 6: return "principal.folder";
    case 7: return "resource.owner";
    case 8: return "resource.owner.folder";
    case 9: return Entity_(depth - 1) + ".ticket";
    default: return "(if " + Bool(depth - 1) + " then " + Entity_(depth - 1) + " else " + Entity_(depth - 1) + ")";
  }
}

std::string EntitySet(int depth) {
  switch (Pick(4)) {
    case 0: return "principal.tickets";
    case 1: return "[]";
    case 2: return "[" + Entity_(depth - 1) + "]";
    default: return "[" + Entity_(depth - 1) + ", " + Entity_(depth - 1) + "]";
  }
}

std::string Record_(int depth) {
  switch (Pick(4)) {
    case 0: return "principal.rec";
    case 1: return "context";
    case 2: return "{ a: " + Long(depth - 1) + " }";
    default: return "{ a: " + Long(depth - 1) + ", b: " + Bool(depth - 1) + " }";
  }
}

std::string String_(int depth) {
  if (Chance(4)) return Any(depth);
  switch (Pick(3)) {
    case 0: return "\"x\"";
    case 1: return "principal.opt";
    default: return "principal.getTag(\"" + std::string(Chance(50) ? "a" : "b") + "\")";
  }
}

std::string Attribute() {
  return std::vector<std::string>{
      "n", "opt", "rec", "rec.b", "rec.a", "owner.n", "owner", "a", "b", "mfa", "ticket.owner.opt", "none"}[static_cast<std::size_t>(Pick(12))];
}

std::string Bool(int depth) {
  if (Chance(4)) return Any(depth);
  if (depth <= 0) return std::vector<std::string>{"true", "false", "principal.flag", "context.mfa"}[static_cast<std::size_t>(Pick(4))];
  const int d = depth - 1;
  switch (Pick(25)) {
    case 0: return "(" + Long(d) + " == " + Long(d) + ")";
    case 1: return "(" + Long(d) + " < " + Long(d) + ")";
    case 2:
    case 3: return "(" + Entity_(d) + " == " + Entity_(d) + ")";
    case 4:
    case 5: return "(" + Entity_(d) + " in " + Entity_(d) + ")";
    case 6: return "(" + Entity_(d) + " in " + EntitySet(d) + ")";
    case 7: return "(" + Entity_(d) + " is " + (Chance(50) ? "Ticket" : "Folder") + ")";
    case 8: return "(" + Entity_(d) + " is " + (Chance(50) ? "Ticket" : "Task") + " in " + Entity_(d) + ")";
    case 9: return "(" + Entity_(d) + " has " + Attribute() + ")";
    case 10: return "(" + Record_(d) + " has " + Attribute() + ")";
    case 11:
    case 12:
    case 13: return "(" + Bool(d) + " && " + Bool(d) + ")";
    case 14:
    case 15: return "(" + Bool(d) + " || " + Bool(d) + ")";
    case 16: return "(if " + Bool(d) + " then " + Bool(d) + " else " + Bool(d) + ")";
    case 17: return "!" + Bool(d);
    case 18: return EntitySet(d) + ".contains(" + Entity_(d) + ")";
    case 19: return EntitySet(d) + (Chance(50) ? ".containsAll(" : ".containsAny(") + EntitySet(d) + ")";
    case 20: return "(" + Record_(d) + (Chance(50) ? " == " : " != ") + Record_(d) + ")";
    case 21: return "(" + EntitySet(d) + " == " + EntitySet(d) + ")";
    case 22: return EntitySet(d) + ".isEmpty()";
    case 23: return "(" + String_(d) + " like \"*x\")";
    case 24: return Entity_(d) + ".hasTag(" + String_(d) + ")";
    default: return "(" + String_(d) + " == " + String_(d) + ")";
  }
}

std::string Any(int depth) {
  switch (Pick(6)) {
    case 0: return Long(depth - 1);
    case 1: return Entity_(depth - 1);
    case 2: return EntitySet(depth - 1);
    case 3: return Record_(depth - 1);
    case 4: return String_(depth - 1);
    default: return Bool(depth - 1);
  }
}

// Entities with gaps; those in `required` are always there.
std::vector<Entity> RandomStore(const std::vector<EntityUid>& required) {
  std::vector<Entity> store;
  const auto add = [&](Entity entity) {
    if (std::ranges::find(required, entity.uid) != required.end() || Chance(70)) store.push_back(std::move(entity));
  };
  for (int i = 0; i < 3; ++i) {
    Entity task = MakeTask(i, Chance(50), Chance(50) ? std::vector<Value>{} : std::vector{Value(Ticket(Pick(4))), Value(Ticket(Pick(4)))});
    task.attributes["ticket"] = Value(Ticket(Pick(4)));
    task.attributes["folder"] = Value(Folder(Pick(4)));
    if (Chance(50)) task.attributes["opt"] = Value("x");
    if (Chance(50)) task.tags = {{"a", Value("x")}};
    if (Chance(50)) task.attributes["rec"] = Value::FromRecord({{"a", Value(Pick(3))}, {"b", Value(Chance(50))}});
    add(std::move(task));
    Entity ticket;
    ticket.uid = Ticket(i);
    ticket.attributes = {{"owner", Value(Task(Pick(4)))}, {"n", Value(Pick(3))}};
    if (Chance(50)) ticket.attributes["opt"] = Value(Pick(3));
    if (Chance(60)) ticket.parents.push_back(Folder(Pick(4)));
    add(std::move(ticket));
    Entity folder;
    folder.uid = Folder(i);
    if (Chance(50)) folder.parents.push_back(Folder(i + 1));
    add(std::move(folder));
  }
  return store;
}

std::string Outcome(const Expr& expr, const Request& request, const EntityView& entities) {
  const auto value = EvaluateExpr(expr, request, entities);
  return value ? value->ToString() : "error";
}

void ResidualMeansTheSame() {
  Request request;
  request.principal = Task(Pick(3));
  request.action = {"Action", "read"};
  request.resource = std::vector{Ticket(Pick(3)), Folder(Pick(4)), EntityUid{"Open", "o"}}[static_cast<std::size_t>(Chance(60) ? 0 : Pick(3))];
  Record context{{"n", Value(Pick(3))}};
  if (Chance(50)) context.emplace("mfa", Value(Chance(50)));
  request.context = Value::FromRecord(std::move(context));

  std::vector<Entity> all = RandomStore({request.principal, request.resource});
  PartialOptions options{.open_world = Chance(50)};
  std::vector<Entity> known = all;
  if (options.open_world) std::erase_if(known, [](const Entity&) { return Chance(40); });
  const auto full = Entities::Build(all), partial = Entities::Build(known);
  RC_ASSERT(full.has_value());
  RC_ASSERT(partial.has_value());

  PartialRequest unknown{request.principal.type, request.principal, request.action, request.resource.type, request.resource, request.context};
  if (Chance(60)) unknown.principal.reset();
  if (Chance(80)) unknown.resource.reset();
  if (Chance(70)) unknown.context.reset();

  const std::string text = Bool(4);
  const auto expr = ParseExpr(text);
  RC_ASSERT(expr.has_value());
  const auto residual = PartialEvaluate(**expr, unknown, *partial, TestSchema(), options);
  const std::string expected = Outcome(**expr, request, *full);
  RC_LOG() << "expression: " << text << "\nresidual: " << (residual ? ToString(**residual) : "error")
           << "\nprincipal known: " << unknown.principal.has_value() << ", resource known: " << unknown.resource.has_value()
           << ", open: " << options.open_world << "\n";
  RC_ASSERT((residual ? Outcome(**residual, request, *full) : "error") == expected);
  if (!residual) return;
  const auto reread = ParseExpr(ToString(**residual));
  RC_ASSERT(reread.has_value());
  RC_ASSERT(Equal(**reread, **residual));
}

TEST(PartialLawTest, AResidualMeansTheSameAsWhatItCameFrom) {
  EXPECT_TRUE(rc::check("a residual with the unknowns filled in has the value of the original, or both fail", [] {
    Dice().seed(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    for (int i = 0; i < 50; ++i) ResidualMeansTheSame();
  }));
}

}  // namespace
}  // namespace remit::cedar
