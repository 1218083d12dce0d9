// GET /v1/webhooks: who is told, and how far he is. And the pages that messages link to.
#include <fmt/format.h>

#include "api/rest.h"
#include "api/routes.h"
#include "base/ids.h"

namespace remit::api {
namespace {

using http::Request;
using http::Respond;

void List(const Call& call, Respond respond) {
  REMIT_API_TRY(call.services.broker.MayReadServer(call.caller));
  respond(http::Json(200, call.services.list_webhooks()));
}

// What a link in a message leads to. It says how to look and how to answer, and nothing of what is asked: a browser brings nothing that says who
// follows the link, since sessions are bearer handles and no cookies. The same text for every id of the right form, so that it says of none whether
// it is there. Opening it does nothing. An id of the right form is letters and digits: in a shell it is one word and no more.
void ShowPage(Services& services, const Request& request, Respond respond, std::string_view prefix, std::string_view shows,
              std::string_view commands) {
  const std::string_view id = request.Param("id");
  if (!IsId(id, prefix)) return respond(http::Problem(Error(Code::kNotFound, "not-found", "there is no such page")));
  respond(
      http::Text(200, fmt::format("{0} at {1}\n\n"
                                  "This page does not show what it is: it is the same for every id, and for everybody who opens it. {2}\n\n"
                                  "    export REMIT_ADDR={1}\n    remit sign-in\n{3}\n"
                                  "`remit sign-in` asks for a code, which an administrator makes for you (`remit person link`). Who is signed in\n"
                                  "leaves it out. Opening this page has changed nothing.\n",
                                  id, services.issuer, shows, fmt::format(fmt::runtime(commands), id))));
}

}  // namespace

void AddWebhookRoutes(http::Router& router, Services& services) {
  AddCall(router, services, "GET", "/v1/webhooks", List);
  router.Add("GET", "/approvals/{id}", [&services](const Request& request, Respond respond) {
    ShowPage(services, request, std::move(respond), kApprovalPrefix, "The command\nline shows what you may answer:",
             "    remit approvals\n\nThen answer, with one of these:\n\n    remit approve {0}\n    remit deny {0} --why '…'\n");
  });
  router.Add("GET", "/tasks/{id}", [&services](const Request& request, Respond respond) {
    ShowPage(services, request, std::move(respond), kTaskPrefix, "The command\nline shows what you may see:", "    remit show {0}\n");
  });
}

}  // namespace remit::api
