// The load driver: clients that each do the same work again and again over a connection of their own, one thread for all of them.
//
//   load WORK HOST:PORT --clients N (--seconds S | --count N) [--session rma_…] [--gateway rma_…] [--table ID] [--form FIELDS]
//
// WORK is what one unit consists of:
//   life     a task: started (its token comes with the answer), allowed once, denied once, completed, denied again
//   start    a task that is started and stays
//   decide   one decision on one task that lives
//   query    a task with a PostgreSQL credential: started (the credential is live when the answer comes), completed (it is dead)
//   oauth-life         a token of another server: issued (client_credentials), introspected as active, revoked, introspected as not active
//   oauth-introspect   one introspection of one token that is active
// FIELDS authenticate the client at the other server: form-encoded, as they are sent.
// Prints one line of JSON: units, seconds, rate, and percentiles of a unit's time in microseconds. Any answer that is not the expected
// one ends the program with exit code 1: a rate of errors is not a rate.
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "connection.h"
#include "work.h"

namespace remit::bench {

void Die(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

std::string_view Member(std::string_view json, std::string_view name) {
  std::string key = fmt::format("\"{}\":\"", name);
  std::size_t at = json.find(key);
  if (at == std::string_view::npos) Die(fmt::format("no `{}` in {}", name, json.substr(0, 400)));
  json.remove_prefix(at + key.size());
  return json.substr(0, json.find('"'));
}

namespace {

using Clock = std::chrono::steady_clock;

std::unique_ptr<Work> MakeWork(const Options& options, std::size_t number) {
  if (auto work = MakeTaskWork(options, number)) return work;
  if (auto work = MakeOauthWork(options)) return work;
  Die(fmt::format("unknown work `{}`", options.work));
}

// One client: its connection, its work, and how long the unit at hand takes.
class Client {
 public:
  Client(const Options& options, std::size_t number) : work_(MakeWork(options, number)), connection_(options.host, options.port) {}

  Connection& connection() { return connection_; }
  bool Prepares() const { return work_->Prepares(); }

  void Begin() {
    began_ = Clock::now();
    step_ = 0;
    connection_.Send(work_->Ask(step_));
  }

  // Takes the answer; true when the unit is done.
  bool Answer(const Response& response) {
    work_->Check(step_, response);
    if (++step_ == work_->Steps()) return true;
    connection_.Send(work_->Ask(step_));
    return false;
  }

  std::uint32_t Micros() const {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_).count());
  }

 private:
  std::unique_ptr<Work> work_;
  Connection connection_;
  std::size_t step_ = 0;
  Clock::time_point began_;
};

void Run(const Options& options) {
  int poll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < options.clients; ++i) {
    clients.push_back(std::make_unique<Client>(options, i));
    epoll_event event{.events = EPOLLIN, .data = {.ptr = clients.back().get()}};
    epoll_ctl(poll, EPOLL_CTL_ADD, clients.back()->connection().fd(), &event);
  }
  auto serve = [&](auto done) {  // until `done` has no client at work any more
    std::size_t working = 0;
    for (auto& client : clients) client->Begin(), ++working;
    while (working > 0) {
      epoll_event events[64];
      int ready = epoll_wait(poll, events, 64, 30000);
      if (ready == 0) Die("no answer for 30 s");
      for (int i = 0; i < ready; ++i) {
        auto& client = *static_cast<Client*>(events[i].data.ptr);
        Response response;
        if (!client.connection().Receive(response)) continue;
        if (!client.Answer(response)) continue;
        if (done(client))
          --working;
        else
          client.Begin();
      }
    }
  };
  if (clients.front()->Prepares()) serve([](Client&) { return true; });

  std::vector<std::uint32_t> times;
  times.reserve(1 << 20);
  auto began = Clock::now();
  auto end = began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  std::size_t begun = options.clients;
  serve([&](Client& client) {
    times.push_back(client.Micros());
    if (options.count > 0) return begun++ >= options.count;
    return Clock::now() >= end;
  });
  double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  std::sort(times.begin(), times.end());
  auto percentile = [&](double p) { return times[static_cast<std::size_t>(static_cast<double>(times.size() - 1) * p)]; };
  fmt::print("{{\"units\":{},\"seconds\":{:.3f},\"rate\":{:.1f},\"p50\":{},\"p99\":{}}}\n", times.size(), seconds,
             static_cast<double>(times.size()) / seconds, percentile(0.5), percentile(0.99));
}

Options ReadOptions(int argc, char** argv) {
  if (argc < 3) Die("usage: load WORK HOST:PORT --clients N (--seconds S | --count N) [--session S] [--gateway S] [--table ID] [--form FIELDS]");
  Options options;
  options.work = argv[1];
  std::string address = argv[2];
  options.host = address.substr(0, address.find(':'));
  options.port = static_cast<std::uint16_t>(std::stoul(address.substr(address.find(':') + 1)));
  for (int i = 3; i + 1 < argc; i += 2) {
    std::string_view flag = argv[i];
    std::string value = argv[i + 1];
    if (flag == "--clients")
      options.clients = std::stoul(value);
    else if (flag == "--count")
      options.count = std::stoul(value);
    else if (flag == "--seconds")
      options.seconds = std::stod(value);
    else if (flag == "--session")
      options.session = value;
    else if (flag == "--gateway")
      options.gateway = value;
    else if (flag == "--table")
      options.table = value;
    else if (flag == "--form")
      options.form = value;
    else
      Die(fmt::format("unknown flag `{}`", flag));
  }
  return options;
}

}  // namespace
}  // namespace remit::bench

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, 9);
  remit::bench::Run(remit::bench::ReadOptions(argc, argv));
}
