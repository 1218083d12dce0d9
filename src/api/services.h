// What the handlers work with. Built once by whoever builds a server; everything in it outlives the router.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "broker/broker.h"
#include "http/router.h"
#include "identity/authenticator.h"
#include "identity/client_assertions.h"
#include "identity/sessions.h"
#include "io/timers.h"
#include "io/workers.h"
#include "store/store.h"

namespace remit::api {

class Metrics;

struct Services {
  broker::Broker& broker;
  const identity::Authenticator& authenticator;
  identity::Sessions& sessions;
  identity::ClientAssertions& assertions;
  store::Store& store;  // is read (the ledger, the registry); nothing is written past the broker
  const Clock& clock;
  io::Timers& timers;    // signs of life on held connections
  io::Workers& workers;  // reads that may wait for the disk. Not the workers of the targets: those may all be waiting for a server
  Metrics& metrics;
  std::string issuer;  // public URL, without a slash at its end

  // What is configured: answers {"targets": [{name, type, ok, detail?}]}.
  std::function<void(broker::Answer<json::Value>)> list_targets;
  // What a task could do at one target that Remit does not give. Errors: `unknown-target`, the target's own.
  std::function<void(const std::string& name, broker::Answer<json::Value>)> check_target;

  bool serve_metrics = true;  // GET /metrics; else there is no such route

  // How the receivers of webhooks are: {"webhooks": [{name, behind, …}]}.
  std::function<json::Value()> list_webhooks = [] { return json::Value(json::Object{{"webhooks", json::Array{}}}); };
  // Whether some webhook tells events of this type.
  std::function<bool(std::string_view type)> is_told = [](std::string_view) { return false; };
  // How the server's machine is: [{check, status, what, hint?}]. Looks at the disk: on a worker.
  std::function<json::Value()> check_machine = [] { return json::Value(json::Array{}); };
};

// Adds every route of Remit's to the router. `services` must outlive it.
void Register(http::Router& router, Services& services);

}  // namespace remit::api
