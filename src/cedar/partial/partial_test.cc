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
  action list in all appliesTo { principal: Task, resource: [Ticket, Folder], context: { n: Long, mfa?: Bool } };
  action audit in write appliesTo { principal: Task, resource: Ticket, context: { n: Long, why: String } };
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

TEST_F(PartialTest, KeepsATestOfWhatIsNoTruth) {
  EXPECT_EQ(Reduce("context.n && true"), "context.n && true");
  EXPECT_EQ(Reduce("true && context.n"), "true && context.n");
  EXPECT_EQ(Reduce("false || context.n"), "false || context.n");
  EXPECT_EQ(Reduce("!!context.n"), "!(!context.n)");
  EXPECT_EQ(Reduce("!!(resource.n == 1)"), "resource.n == 1");
  EXPECT_EQ(Reduce("if context.n then principal.flag else principal.flag"), "if context.n then false else false");
}

// What one side has made sure of is sure there, and nowhere else.
TEST_F(PartialTest, ForgetsWhatIsNoLongerSure) {
  EXPECT_EQ(Reduce("if resource has opt then principal.flag else resource.opt == 1 && principal.flag"),
            "if resource has opt then false else resource.opt == 1 && false");
  EXPECT_EQ(Reduce("if resource.opt == 1 then principal.flag else principal.flag"), "if resource.opt == 1 then false else false");
  EXPECT_EQ(Reduce("resource has opt && resource.n == 1 || resource.opt == 1 && principal.flag"),
            "resource has opt && resource.n == 1 || resource.opt == 1 && false");
  EXPECT_EQ(Reduce("(resource has opt || resource.n == 1) && resource.opt == 1 && principal.flag"),
            "(resource has opt || resource.n == 1) && resource.opt == 1 && false");
  EXPECT_EQ(Reduce("context has mfa.x && principal.flag"), "context has mfa.x && false");  // fails where `mfa` is there
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

TEST_F(PartialTest, LeavesUnknownPartsOfEntitiesOpen) {
  Unknowns unknowns;
  unknowns[Task(1)].attributes = {"flag", "opt"};
  unknowns[Ticket(1)].ancestors = true;
  const PartialOptions options{.unknowns = &unknowns};
  EXPECT_EQ(Reduce("principal.flag", options), "Task::\"t1\".flag");
  EXPECT_EQ(Reduce("principal has flag", options), "true");  // the entity is there, and its type requires it
  EXPECT_EQ(Reduce("principal has opt", options), "Task::\"t1\" has opt");
  EXPECT_EQ(Reduce("principal.n == 1", options), "true");
  EXPECT_EQ(Reduce("principal.flag && principal.n == 2", options), "false");
  EXPECT_EQ(Reduce("principal.opt == \"x\" && principal.n == 2", options), "Task::\"t1\".opt == \"x\" && false");
  EXPECT_EQ(Reduce("Ticket::\"k1\" in Folder::\"f0\"", options), "true");
  EXPECT_EQ(Reduce("Ticket::\"k1\" in Folder::\"f9\"", options), "Ticket::\"k1\" in Folder::\"f9\"");
  EXPECT_EQ(Reduce("Folder::\"f0\" in Folder::\"f9\"", options), "false");
  EXPECT_EQ(Reduce("principal.hasTag(\"team\")", options), "true");
  unknowns[Task(1)].tags = true;
  EXPECT_EQ(Reduce("principal.hasTag(\"team\")", options), "Task::\"t1\".hasTag(\"team\")");
}

TEST_F(PartialTest, LeavesPartsOfTheContextOpen) {
  request_.context = Value::FromRecord({{"n", Value(4)}});
  request_.unknown_context = {"mfa"};
  EXPECT_EQ(Reduce("context.n == 4 && context has mfa && context.mfa"), "context has mfa && context.mfa");
  EXPECT_EQ(Reduce("context has other"), "false");
  EXPECT_EQ(Reduce("context.other"), "error");
}

TEST_F(PartialTest, LeavesTheActionOpen) {
  request_.action.reset();
  std::vector<Entity> groups(2);
  groups[0] = {{"Action", "read"}, {}, {}, {{"Action", "all"}}};
  groups[1] = {{"Action", "list"}, {}, {}, {{"Action", "all"}}};
  entities_ = *Entities::Build(groups);
  EXPECT_EQ(Reduce("action == Action::\"read\""), "action == Action::\"read\"");
  EXPECT_EQ(Reduce("action == Action::\"all\""), "false");  // applies to nothing
  EXPECT_EQ(Reduce("action in [Action::\"all\", Action::\"write\"]"), "action in Action::\"all\"");
  EXPECT_EQ(Reduce("action in [Action::\"read\", Action::\"list\", Action::\"audit\"]"), "true");
  EXPECT_EQ(Reduce("context.n + 1 == 2"), "context.n + 1 == 2");
  EXPECT_EQ(Reduce("context has mfa || context has why"), "context has mfa || context has why");  // each action has its own context
  request_.resource_type = "Open";
  EXPECT_EQ(Reduce("action == Action::\"read\""), "true");
  EXPECT_EQ(Reduce("action in Action::\"all\" && context has n"), "true");
}

TEST_F(PartialTest, AnswersForASetWhatIsCertain) {
  const auto answer = [&](std::string_view text) { return PartialIsAuthorized(*ParsePolicies(text, "p"), request_, entities_, TestSchema()); };
  const std::string yes = "permit (principal, action, resource) when { principal.n == 1 };";
  const std::string maybe = "permit (principal, action, resource) when { resource.n == 1 };";
  const std::string no = "permit (principal, action, resource) when { principal.n == 2 };";
  const std::string error = "forbid (principal, action, resource) when { principal.opt == \"x\" };";
  const std::string maybe_not = "forbid (principal, action, resource) when { resource.n == 1 };";
  const std::string never = "forbid (principal, action, resource) when { principal.n == 1 };";
  EXPECT_EQ(answer(yes + maybe + error).allowed, true);
  EXPECT_EQ(answer(no + maybe_not).allowed, false);
  EXPECT_EQ(answer(yes + never + maybe).allowed, false);
  EXPECT_EQ(answer(maybe).allowed, std::nullopt);
  EXPECT_EQ(answer(yes + maybe_not).allowed, std::nullopt);
  const PartialResponse response = answer(yes + maybe + no + error + maybe_not);
  EXPECT_EQ(response.permits.size(), 1U);
  EXPECT_EQ(response.open_permits.size(), 1U);
  EXPECT_EQ(response.open_forbids.size(), 1U);
  EXPECT_EQ(response.unsatisfied.size(), 1U);
  EXPECT_EQ(response.failing.size(), 1U);
  EXPECT_EQ(response.Residuals().size(), 3U);
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

std::string Action() {
  return std::vector<std::string>{"Action::\"read\"", "Action::\"all\"", "Action::\"list\"", "Action::\"audit\""}[static_cast<std::size_t>(Pick(4))];
}

std::string Entity_(int depth) {
  if (Chance(4)) return Any(depth);
  switch (depth <= 0 ? Pick(7) : Pick(12)) {
    case 6: return Chance(50) ? "action" : Action();
    case 0: return "principal";
    case 1: return "resource";
    case 2: return "Task::\"t" + std::to_string(Pick(4)) + "\"";
    case 3: return "Ticket::\"k" + std::to_string(Pick(4)) + "\"";
    case 4: return "Folder::\"f" + std::to_string(Pick(4)) + "\"";
    case 5: return "principal.ticket";
    case 7: return "principal.folder";
    case 8: return "resource.owner";
    case 9: return "resource.owner.folder";
    case 10: return Entity_(depth - 1) + ".ticket";
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
  switch (Pick(26)) {
    case 25: return "(action " + std::string(Chance(50) ? "in " : "== ") + Action() + ")";
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
  for (const auto& [uid, action] : TestSchema().actions()) store.push_back({uid, {}, {}, action.member_of});
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

// One request that conforms to the schema, all that there is, and how much of it is known.
struct Case {
  Request request;
  Entities full, known;
  PartialRequest unknown;
  Unknowns unknowns;
  PartialOptions options;
};

Request RandomRequest() {
  Request request;
  request.principal = Task(Pick(3));
  const int kind = Chance(60) ? 0 : Pick(3);
  request.resource = std::vector{Ticket(Pick(3)), Folder(Pick(4)), EntityUid{"Open", "o"}}[static_cast<std::size_t>(kind)];
  request.action = {"Action", std::vector{"read", "list", "audit"}[static_cast<std::size_t>(Pick(kind == 0 ? 3 : kind == 1 ? 2 : 1))]};
  Record context{{"n", Value(Pick(3))}};
  if (request.action.id == "audit") {
    context.emplace("why", Value("x"));
  } else if (Chance(50)) {
    context.emplace("mfa", Value(Chance(50)));
  }
  request.context = Value::FromRecord(std::move(context));
  return request;
}

// Takes away from `entity` what `parts` says is unknown; what stays in its place must not be believed.
void Forget(Entity& entity, const UnknownParts& parts) {
  if (parts.all_attributes) entity.attributes.clear();
  for (const std::string& attribute : parts.attributes) entity.attributes.erase(attribute);
  if (parts.tags) entity.tags.clear();
  if (parts.ancestors && Chance(50)) entity.parents.clear();
}

UnknownParts RandomParts(const Entity& entity) {
  UnknownParts parts;
  parts.all_attributes = Chance(20);
  for (const auto& [name, value] : entity.attributes) {
    if (Chance(30)) parts.attributes.insert(name);
  }
  if (Chance(30)) parts.attributes.insert("opt");
  parts.tags = Chance(40);
  parts.ancestors = Chance(40);
  return parts;
}

void Draw(Case& c) {
  c.request = RandomRequest();
  const std::vector<Entity> all = RandomStore({c.request.principal, c.request.resource});
  c.options.open_world = Chance(50);
  std::vector<Entity> known = all;
  if (c.options.open_world) std::erase_if(known, [](const Entity&) { return Chance(40); });
  if (Chance(50)) {
    for (Entity& entity : known) {
      if (IsActionType(entity.uid.type) || Chance(50)) continue;
      Forget(entity, c.unknowns[entity.uid] = RandomParts(entity));
    }
    c.options.unknowns = &c.unknowns;
  }
  const auto full = Entities::Build(all), partial = Entities::Build(known);
  RC_ASSERT(full.has_value());
  RC_ASSERT(partial.has_value());
  c.full = *full;
  c.known = *partial;
  c.unknown = {c.request.principal.type, c.request.principal, c.request.action, c.request.resource.type, c.request.resource, c.request.context};
  if (Chance(60)) c.unknown.principal.reset();
  if (Chance(80)) c.unknown.resource.reset();
  if (Chance(40)) c.unknown.action.reset();
  if (Chance(60)) {
    c.unknown.context.reset();
  } else if (Chance(50)) {
    for (const char* attribute : {"n", "mfa", "why"}) {
      if (Chance(50)) c.unknown.unknown_context.insert(attribute);
    }
    Record rest = c.request.context.AsRecord();
    for (const std::string& attribute : c.unknown.unknown_context) rest.erase(attribute);
    c.unknown.context = Value::FromRecord(std::move(rest));
  }
}

std::string Describe(const Case& c, const std::string& text, const std::optional<ExprPtr>& residual) {
  return "expression: " + text + "\nresidual: " + (residual ? ToString(**residual) : "error") +
         "\nprincipal known: " + std::to_string(c.unknown.principal.has_value()) + ", action: " + std::to_string(c.unknown.action.has_value()) +
         ", resource: " + std::to_string(c.unknown.resource.has_value()) + ", context: " + std::to_string(c.unknown.context.has_value()) + " but " +
         std::to_string(c.unknown.unknown_context.size()) + ", unknown parts: " + std::to_string(c.unknowns.size()) +
         ", open: " + std::to_string(c.options.open_world) + "\n";
}

void ResidualMeansTheSame() {
  Case c;
  Draw(c);
  const std::string text = Bool(4);
  const auto expr = ParseExpr(text);
  RC_ASSERT(expr.has_value());
  const auto residual = PartialEvaluate(**expr, c.unknown, c.known, TestSchema(), c.options);
  const std::string expected = Outcome(**expr, c.request, c.full);
  RC_LOG() << Describe(c, text, residual);
  RC_ASSERT((residual ? Outcome(**residual, c.request, c.full) : "error") == expected);
  if (!residual) return;
  const auto reread = ParseExpr(ToString(**residual));
  RC_ASSERT(reread.has_value());
  RC_ASSERT(Equal(**reread, **residual));
}

// The set's answer where it is certain, and what is left of it where it is not.
void ResponseMeansTheSame() {
  Case c;
  Draw(c);
  std::string text;
  const int count = 1 + Pick(5);
  for (int i = 0; i < count; ++i)
    text += (Chance(60) ? "permit" : "forbid") + std::string(" (principal, action, resource) when { ") + Bool(3) + " };\n";
  const auto policies = ParsePolicies(text, "p");
  RC_ASSERT(policies.has_value());
  const Response expected = PolicySet::Build(*policies)->IsAuthorized(c.request, c.full);
  const PartialResponse response = PartialIsAuthorized(*policies, c.unknown, c.known, TestSchema(), c.options);
  RC_LOG() << Describe(c, text, std::nullopt);
  if (response.allowed) RC_ASSERT(*response.allowed == expected.allowed);
  const Response of_residuals = PolicySet::Build(response.Residuals())->IsAuthorized(c.request, c.full);
  RC_ASSERT(of_residuals.allowed == expected.allowed);
  RC_ASSERT(of_residuals.determining == expected.determining);
}

TEST(PartialLawTest, AResidualMeansTheSameAsWhatItCameFrom) {
  EXPECT_TRUE(rc::check("a residual with the unknowns filled in has the value of the original, or both fail", [] {
    Dice().seed(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    for (int i = 0; i < 50; ++i) ResidualMeansTheSame();
  }));
}

TEST(PartialLawTest, WhatIsLeftOfASetDecidesAsTheSetDoes) {
  EXPECT_TRUE(rc::check("a certain answer is the answer, and the residuals give it too", [] {
    Dice().seed(*rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()));
    for (int i = 0; i < 20; ++i) ResponseMeansTheSame();
  }));
}

}  // namespace
}  // namespace remit::cedar
