// GET /v1/events: what happens, as it happens (server-sent events). The id of an event is its index in the ledger, so that a reader goes on
// exactly where it was, whatever happened to the connection or to the server.
#include <charconv>

#include <fmt/format.h>

#include "api/events/event_stream.h"
#include "api/rest.h"
#include "api/routes.h"

namespace remit::api {
namespace {

// Where the reader wants to begin: behind the event that it saw last, else at `from`, else with what happens next.
Result<std::uint64_t> FirstEvent(const http::Request& request, std::uint64_t size) {
  std::uint64_t first = size;
  if (request.Query("from").has_value()) {
    REMIT_ASSIGN(first, ReadIndex(request, "from"));
  }
  REMIT_ASSIGN(const std::string last, NameHeader(request, "last-event-id"));
  if (!last.empty()) {
    std::uint64_t seen = 0;
    const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), seen);
    if (error != std::errc() || end != last.data() + last.size() || seen == UINT64_MAX)
      return Fail(Code::kInvalidArgument, "bad-header", "`Last-Event-ID` is not the id of an event", "send it as it came");
    first = seen + 1;
  }
  if (first > size)
    return Fail(Code::kNotFound, "no-such-entry", fmt::format("the ledger holds {} events: what was read came from another", size),
                "begin again without Last-Event-ID");
  return first;
}

void Events(Services& services, const std::shared_ptr<EventStreams>& streams, const http::Request& request, http::Respond respond) {
  REMIT_API_ASSIGN(const Caller caller, SomebodyOf(services, request));
  REMIT_API_TRY(request.OnlyQuery({"task", "type", "from", "until"}));
  REMIT_API_ASSIGN(EventFilter filter,
                   ReadEventFilter(request.Query("task").value_or(""), request.Query("type").value_or(""), request.Query("until").value_or("")));
  REMIT_API_ASSIGN(const std::uint64_t first, FirstEvent(request, services.store.Head().size));
  REMIT_API_ASSIGN(std::shared_ptr<void> place, streams->Enter(caller));
  EventReader reader;
  if (request.HeaderCount("authorization") > 0) {
    REMIT_API_ASSIGN(const std::string_view bearer, request.BearerToken());
    reader.bearer = Secret(bearer);
  }
  if (request.peer->is_unix) reader.unix_uid = request.peer->uid;
  auto stream = std::make_shared<EventStream>(services, std::move(reader), std::move(filter), first, std::move(place));
  request.OnClose([stream] { stream->Close(); });
  http::Response response =
      http::Stream("text/event-stream", [stream](std::shared_ptr<http::StreamWriter> writer) { stream->Begin(std::move(writer)); });
  response.headers.push_back({"X-Accel-Buffering", "no"});  // nginx would collect it otherwise
  respond(std::move(response));
}

}  // namespace

void AddEventRoutes(http::Router& router, Services& services) {
  router.Add("GET", "/v1/events", [&services, streams = std::make_shared<EventStreams>()](const http::Request& request, http::Respond respond) {
    Events(services, streams, request, std::move(respond));
  });
}

}  // namespace remit::api
