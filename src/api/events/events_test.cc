// Who listens hears what he may see, once each, in order, also after he was away; and costs no more than a page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/events/event_filter.h"
#include "api/test_server.h"
#include "base/limits.h"

namespace remit::api {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// A reader of a stream. While it is slow, nothing that was written has left.
class Reader final : public http::StreamWriter {
 public:
  std::string text;
  bool closed = false, broken = false, slow = false;

  bool Write(std::string_view chunk) override {
    if (broken || closed) return false;
    text += chunk;
    return true;
  }
  void Close() override { closed = true; }
  void OnDrained(std::function<void()> callback) override {
    if (slow)
      drained_ = std::move(callback);
    else
      callback();
  }
  void OnClose(std::function<void()>) override {}
  void Read() {
    if (auto next = std::exchange(drained_, nullptr)) next();
  }

  // The types of the events that have come, and their ids.
  std::vector<std::string> Types() const { return Fields("event: "); }
  std::vector<std::string> Ids() const {
    std::vector<std::string> ids;
    for (const std::string& block : Blocks())
      if (block.find("event: ") != std::string::npos) ids.push_back(block.substr(4, block.find('\n') - 4));
    return ids;
  }
  std::vector<json::Value> Data() const {
    std::vector<json::Value> all;
    for (const std::string& data : Fields("data: ")) all.push_back(*json::Parse(data));
    return all;
  }

 private:
  std::vector<std::string> Blocks() const {
    std::vector<std::string> blocks;
    std::string_view rest = text;
    for (std::size_t end; (end = rest.find("\n\n")) != std::string_view::npos; rest.remove_prefix(end + 2)) blocks.emplace_back(rest.substr(0, end));
    return blocks;
  }
  std::vector<std::string> Fields(std::string_view name) const {
    std::vector<std::string> values;
    std::string_view rest = text;
    for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1))
      if (rest.starts_with(name)) values.emplace_back(rest.substr(name.size(), end - name.size()));
    return values;
  }
  std::function<void()> drained_;
};

class EventsTest : public ::testing::Test {
 protected:
  // A stream, and what its connection holds of it.
  struct Listening {
    std::shared_ptr<Reader> reader = std::make_shared<Reader>();
    std::shared_ptr<http::Request> request;
  };
  Listening Listen(const std::string& query, const From& from, std::vector<http::Header> headers = {}) {
    Listening listening;
    const Reply reply = server_.Send("GET", "/v1/events" + query, "", from, std::move(headers));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.type, "text/event-stream");
    EXPECT_EQ(reply.Header("X-Accel-Buffering"), "no");
    listening.request = server_.last_request;
    server_.last_response.stream(listening.reader);
    server_.bench.Settle();
    return listening;
  }
  std::string Start(const From& from, const std::string& ticket = "T-1") { return TaskOf(server_.StartTriage(from, ticket)); }
  void Complete(const std::string& task, const From& from) {
    EXPECT_EQ(server_.Post("/v1/tasks/" + task + "/complete", json::Object{}, from).status, 200);
  }
  TestServer server_;
};

TEST_F(EventsTest, TellsWhatHappensAsItHappens) {
  const Listening operators = Listen("", TestServer::Root());
  EXPECT_THAT(operators.reader->Types(), IsEmpty());
  const From bot = server_.Actor();
  const std::string task = Start(bot);
  Complete(task, bot);
  EXPECT_THAT(operators.reader->Types(), ElementsAre("actor.signed-in", "task.started", "task.completed"));
  EXPECT_EQ(*operators.reader->Data()[1].FindString("task"), task);
  EXPECT_EQ(*operators.reader->Data()[1].FindString("actor"), "Agent::\"bot\"");
}

TEST_F(EventsTest, EachHearsWhatHeMaySeeAndNothingElse) {
  const From bot = server_.Actor(), helpdesk = server_.Actor("helpdesk"), ann = server_.Person("ann"), eve = server_.Person("eve");
  const Listening of_bot = Listen("", bot), of_stranger = Listen("", helpdesk), of_lead = Listen("", ann), of_eve = Listen("", eve);
  const std::string task = Start(bot);
  Complete(task, bot);
  EXPECT_THAT(of_bot.reader->Types(), ElementsAre("task.started", "task.completed"));
  EXPECT_THAT(of_lead.reader->Types(), ElementsAre("task.started", "task.completed"));
  EXPECT_THAT(of_stranger.reader->Types(), IsEmpty());
  EXPECT_THAT(of_eve.reader->Types(), IsEmpty());
  // What is no task's is for who may view the server itself, as the leads may here.
  server_.Post("/v1/actors", json::Object{{"uid", "Agent::\"new\""}}, TestServer::Root());
  EXPECT_EQ(of_bot.reader->Types().size(), 2u);
  EXPECT_THAT(of_eve.reader->Types(), IsEmpty());
  EXPECT_THAT(of_lead.reader->Types(), ElementsAre("task.started", "task.completed", "actor.changed"));
}

TEST_F(EventsTest, TheOneWhoIsAskedHearsThatApprovalIsWaitedFor) {
  const From bot = server_.Actor(), ann = server_.Person("ann"), eve = server_.Person("eve");
  const Listening of_ann = Listen("?type=task.requested,approval.requested", ann), of_eve = Listen("", eve);
  const Reply asked = server_.Post("/v1/tasks", json::Object{{"type", "change"}, {"parameters", json::Object{{"ticket", "T-1"}}}}, bot);
  ASSERT_EQ(asked.Text("state") == "" ? 0 : asked.status, 201) << asked.body;
  ASSERT_THAT(of_ann.reader->Types(), ElementsAre("task.requested"));
  EXPECT_EQ(*of_ann.reader->Data()[0].FindString("task"), TaskOf(asked));
  EXPECT_THAT(of_eve.reader->Types(), IsEmpty());
}

TEST_F(EventsTest, ATaskHearsOfItselfAloneAndNothingAfterItsEnd) {
  const From bot = server_.Actor();
  const Reply started = server_.StartTriage(bot);
  const Listening own = Listen("?from=0", {started.Text("token"), std::nullopt});
  EXPECT_THAT(own.reader->Types(), ElementsAre("task.started"));
  Start(bot);
  EXPECT_THAT(own.reader->Types(), ElementsAre("task.started"));
  Complete(TaskOf(started), bot);
  EXPECT_THAT(own.reader->Types(), ElementsAre("task.started"));
  EXPECT_TRUE(own.reader->closed) << "its token is dead";
}

TEST_F(EventsTest, GoesOnBehindWhatWasSeenLast) {
  const From bot = server_.Actor();
  const Listening first = Listen("", bot);
  const std::string task = Start(bot);
  const std::string seen = first.reader->Ids().back();
  first.request->closed->Fire();
  Complete(task, bot);
  EXPECT_THAT(first.reader->Types(), ElementsAre("task.started"));
  const Listening again = Listen("", bot, {{"Last-Event-ID", seen}});
  EXPECT_THAT(again.reader->Types(), ElementsAre("task.completed"));
  EXPECT_EQ(again.reader->Ids().front(), std::to_string(std::stoull(seen) + 1));
  const Listening all = Listen("?from=0", bot);
  EXPECT_THAT(all.reader->Types(), ElementsAre("task.started", "task.completed"));
  // The header says more than the parameter: it is what a browser sends when it comes back to the same address.
  EXPECT_THAT(Listen("?from=0", bot, {{"Last-Event-ID", seen}}).reader->Types(), ElementsAre("task.completed"));
}

TEST_F(EventsTest, RefusesPlacesThatThereAreNot) {
  const From bot = server_.Actor();
  const std::uint64_t size = server_.bench.store().Head().size;
  EXPECT_EQ(server_.Get("/v1/events?from=" + std::to_string(size + 1), bot).Reason(), "no-such-entry");
  const auto from = [&](const std::string& id) { return server_.Send("GET", "/v1/events", "", bot, {{"Last-Event-ID", id}}); };
  EXPECT_EQ(from(std::to_string(size)).Reason(), "no-such-entry");
  EXPECT_EQ(from("18446744073709551615").Reason(), "bad-header");
  EXPECT_EQ(from("99999999999999999999999").Reason(), "bad-header");
  EXPECT_EQ(from("-1").Reason(), "bad-header");
  EXPECT_EQ(from("1x").Reason(), "bad-header");
  for (const char* query : {"?task=nonsense", "?type=Task", "?type=task.*,", "?type=*", "?type=a,,b", "?type=x%0Adata:", "?from=-1"})
    EXPECT_EQ(server_.Get("/v1/events" + std::string(query), bot).Reason(), "bad-parameter") << query;
  EXPECT_EQ(server_.Get("/v1/events?tsak=x", bot).Reason(), "unknown-parameter");
  EXPECT_EQ(server_.Get("/v1/events", TestServer::Nobody()).status, 401);
}

TEST_F(EventsTest, FiltersByTaskAndType) {
  const From bot = server_.Actor();
  const std::string one = Start(bot), other = Start(bot, "T-2");
  Complete(one, bot);
  Complete(other, bot);
  EXPECT_THAT(Listen("?from=0&task=" + other, bot).reader->Types(), ElementsAre("task.started", "task.completed"));
  EXPECT_THAT(Listen("?from=0&type=task.completed", bot).reader->Types(), ElementsAre("task.completed", "task.completed"));
  EXPECT_EQ(server_.Get("/v1/events?type=task.s*&task=" + one, bot).Reason(), "bad-parameter") << "a star stands for whole words";
}

TEST_F(EventsTest, EndsWhenNothingMoreOfTheTaskCanCome) {
  const From bot = server_.Actor(), stranger = server_.Actor("helpdesk");
  const std::string task = Start(bot);
  const Listening following = Listen("?from=0&until=end&task=" + task, bot), one_type = Listen("?until=end&type=task.denied&task=" + task, bot);
  const Listening goes_on = Listen("?from=0&task=" + task, bot);
  EXPECT_THAT(following.reader->Types(), ElementsAre("task.started"));
  EXPECT_FALSE(following.reader->closed);
  Complete(task, bot);
  EXPECT_THAT(following.reader->Types(), ElementsAre("task.started", "task.completed", "end"));
  EXPECT_EQ(*following.reader->Data().back().FindString("task"), task);
  EXPECT_TRUE(following.reader->closed);
  EXPECT_THAT(one_type.reader->Types(), ElementsAre("end"));
  EXPECT_THAT(goes_on.reader->Types(), ElementsAre("task.started", "task.completed")) << "nobody asked for it";
  EXPECT_FALSE(goes_on.reader->closed);
  // Of one that was over before somebody asked, and of one that is not to be seen, which says no more than of one that there is not.
  EXPECT_THAT(Listen("?from=0&until=end&task=" + task, bot).reader->Types(), ElementsAre("task.started", "task.completed", "end"));
  EXPECT_THAT(Listen("?until=end&task=" + task, bot).reader->Types(), ElementsAre("end"));
  const std::string other = Start(bot, "T-2");
  EXPECT_THAT(Listen("?from=0&until=end&task=" + other, stranger).reader->Types(), ElementsAre("end"));
  EXPECT_THAT(Listen("?from=0&until=end&task=tsk_00000000000000000000000000", bot).reader->Types(), ElementsAre("end"));
  EXPECT_THAT(Listen("?from=0&until=end&task=" + other, bot).reader->Types(), ElementsAre("task.started"));
  for (const char* query : {"?until=end", "?until=ever&task=tsk_00000000000000000000000000"})
    EXPECT_EQ(server_.Get("/v1/events" + std::string(query), bot).Reason(), "bad-parameter") << query;
}

TEST_F(EventsTest, SaysWhereTheReaderIsThoughNothingIsForHim) {
  const From stranger = server_.Actor("helpdesk");
  const Listening listening = Listen("", stranger);
  const std::uint64_t before = server_.bench.store().Head().size;
  EXPECT_NE(listening.reader->text.find("id: " + std::to_string(before - 1) + "\n\n"), std::string::npos) << listening.reader->text;
  Start(server_.Actor());
  server_.bench.Pass(limits::kEventTick);
  EXPECT_THAT(listening.reader->Types(), IsEmpty());
  const std::uint64_t after = server_.bench.store().Head().size;
  EXPECT_GT(after, before);
  EXPECT_TRUE(listening.reader->text.ends_with(":\nid: " + std::to_string(after - 1) + "\n\n")) << listening.reader->text;
}

TEST_F(EventsTest, EndsWithTheSessionThatOpenedIt) {
  const From bot = server_.Actor();
  const Listening listening = Listen("", bot);
  EXPECT_EQ(server_.Post("/v1/actors", json::Object{{"uid", "Agent::\"bot\""}, {"barred", true}}, TestServer::Root()).status, 200);
  server_.bench.Settle();
  EXPECT_TRUE(listening.reader->closed);
  EXPECT_THAT(listening.reader->Types(), IsEmpty());

  const From ann = server_.Person("ann");
  const Listening idle = Listen("", ann);
  server_.bench.clock.Advance(limits::kPersonSessionLife);
  server_.bench.Pass(limits::kEventTick);
  EXPECT_TRUE(idle.reader->closed) << "also where nothing happens";
}

TEST_F(EventsTest, AViewThatIsTakenAwayIsSeenNoMore) {
  const From bot = server_.Actor(), ann = server_.Person("ann");
  const Listening listening = Listen("", ann);
  Start(bot);
  ASSERT_THAT(listening.reader->Types(), ElementsAre("task.started"));
  std::string policies(broker::kPolicies);
  policies.replace(policies.find("principal in Team::\"leads\", action in"), 37, "principal == Employee::\"bob\", action in");
  server_.bench.LoadCatalog(policies);
  Start(bot);
  EXPECT_THAT(listening.reader->Types(), ElementsAre("task.started"));
}

TEST_F(EventsTest, ASlowReaderHoldsOnePage) {
  const From bot = server_.Actor();
  for (int i = 0; i < 300; ++i) Complete(Start(bot), bot);
  Listening listening;
  server_.Get("/v1/events?from=0", bot);
  listening.reader->slow = true;
  server_.last_response.stream(listening.reader);
  server_.bench.Settle();
  const std::size_t page = listening.reader->text.size();
  EXPECT_LT(page, limits::kEventPageBytes + 4096);
  EXPECT_LE(listening.reader->Types().size(), limits::kEventPage);
  Complete(Start(bot), bot);
  server_.bench.Pass(1s);
  EXPECT_EQ(listening.reader->text.size(), page) << "nothing is written for who does not read";
  for (int i = 0; i < 20; ++i) {
    listening.reader->Read();
    server_.bench.Settle();
  }
  EXPECT_EQ(listening.reader->Types().size(), 602u) << "and nothing is lost";
}

TEST_F(EventsTest, OnlySoManyStreams) {
  const From bot = server_.Actor();
  std::vector<Listening> open;
  for (std::size_t i = 0; i < limits::kEventStreamsPerCaller; ++i) open.push_back(Listen("", bot));
  const Reply more = server_.Get("/v1/events", bot);
  EXPECT_EQ(more.status, 429);
  EXPECT_EQ(more.Reason(), "too-many-streams");
  Listen("", server_.Person("ann"));
  open[3].request->closed->Fire();
  Listen("", bot);
  EXPECT_EQ(server_.Get("/v1/events", bot).Reason(), "too-many-streams");
}

TEST_F(EventsTest, AStreamThatCannotBeWrittenIsGivenUp) {
  const From bot = server_.Actor();
  const Listening listening = Listen("", bot);
  listening.reader->broken = true;
  Start(bot);
  EXPECT_TRUE(listening.reader->closed);
  for (std::size_t i = 0; i < limits::kEventStreamsPerCaller; ++i) Listen("", bot);
}

TEST(EventFilter, AnEventInAStreamIsOneBlock) {
  EXPECT_EQ(SseEvent(7, "task.started", "{\"a\":\"\\n\"}"), "id: 7\nevent: task.started\ndata: {\"a\":\"\\n\"}\n\n");
  EXPECT_EQ(SsePlace(0), ":\n\n");
  EXPECT_EQ(SsePlace(8), ":\nid: 7\n\n");
}

}  // namespace
}  // namespace remit::api
