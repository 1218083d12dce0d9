#include "cli/serve/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <future>

#include <fmt/format.h>

#include "api/broker_directory.h"
#include "api/metrics.h"
#include "api/services.h"
#include "base/log.h"
#include "broker/anchor_keeper.h"
#include "broker/broker.h"
#include "broker/epoch.h"
#include "broker/keys.h"
#include "cli/catalog_folder.h"
#include "cli/serve/machine.h"
#include "cli/serve/target_addresses.h"
#include "cli/standing/standing.h"
#include "cli/targets.h"
#include "crypto/tls.h"
#include "http/server.h"
#include "io/contain.h"
#include "io/event_loop.h"
#include "io/files.h"
#include "notify/webhooks.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"

namespace remit::cli {

// In the order in which they must be made; destroyed in reverse.
struct Server::Impl {
  ServerOptions options;
  std::string issuer, installation;
  SystemClock clock;
  SystemRng rng;
  io::EventLoop loop;
  io::LoopTimers timers{loop, clock};
  std::unique_ptr<store::Store> store;
  std::optional<crypto::MasterKey> master_key;
  std::vector<std::shared_ptr<target::postgres::PostgresTarget>> targets;
  std::mutex failure_mutex;
  std::mutex passwords_mutex;  // two looks at once could each find that a new password was given for no server yet
  std::optional<Error> failure;
  std::unique_ptr<io::WorkerPool> anchor_worker = std::make_unique<io::WorkerPool>(1);
  std::unique_ptr<broker::AnchorKeeper> anchors;
  std::unique_ptr<broker::Broker> broker;
  std::unique_ptr<api::BrokerDirectory> directory;
  std::unique_ptr<identity::Sessions> sessions;
  std::unique_ptr<identity::ClientAssertions> assertions;
  std::unique_ptr<identity::Authenticator> authenticator;
  api::Metrics metrics;
  std::unique_ptr<api::Services> services;
  std::unique_ptr<io::WorkerPool> target_workers = std::make_unique<io::WorkerPool>(limits::kTargetWorkers);
  std::unique_ptr<io::WorkerPool> read_workers = std::make_unique<io::WorkerPool>(4);
  std::unique_ptr<io::WorkerPool> webhook_workers;  // one each: a receiver that does not answer holds up nobody else
  std::unique_ptr<notify::Webhooks> webhooks;
  std::unique_ptr<StandingEnder> standing;
  std::unique_ptr<io::WorkerPool> standing_worker = std::make_unique<io::WorkerPool>(1);  // one account after the other
  std::unique_ptr<io::WorkerPool> look_workers = std::make_unique<io::WorkerPool>(2);     // at declared accounts: the sweep, and whoever waits for it
  std::unique_ptr<http::Server> http;

  Status Open();
  Status OpenStore();
  Status OpenAnchors(const std::vector<std::shared_ptr<target::Target>>& native);
  void SetHooks();
  Status OpenWebhooks();
  Status Listen();
  void ListTargets(broker::Answer<json::Value> answer);
  void CheckTarget(const std::string& name, broker::Answer<json::Value> answer);
};

namespace {

// This process itself; nobody from outside is called so.
const identity::Caller kOperator{
    .kind = identity::Caller::Kind::kOperator, .uid = {"Remit::Operator", "local"}, .task = {}, .signed_in = {}, .session = {}};

Result<crypto::MasterKey> ReadMasterKey(const std::string& file) {
  // systemd hands the key in as a credential (LoadCredential=master.key:…).
  if (const char* credentials = std::getenv("CREDENTIALS_DIRECTORY")) {
    std::string path = std::string(credentials) + "/master.key";
    if (access(path.c_str(), F_OK) == 0) return crypto::MasterKey::ReadSystemdCredential(path);
  }
  return crypto::MasterKey::ReadFile(file);
}

// A port that is free now, for `port = 0`: the issuer must be known before anything is opened. Errors: `cannot-listen`.
Result<std::uint16_t> FreePort(const std::string& address) {
  bool v6 = address.find(':') != std::string::npos;
  sockaddr_storage storage{};
  auto* v4_address = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6_address = reinterpret_cast<sockaddr_in6*>(&storage);
  storage.ss_family = v6 ? AF_INET6 : AF_INET;
  bool parsed =
      v6 ? inet_pton(AF_INET6, address.c_str(), &v6_address->sin6_addr) == 1 : inet_pton(AF_INET, address.c_str(), &v4_address->sin_addr) == 1;
  io::Fd probe(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  socklen_t size = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (!parsed || !probe || bind(probe.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 ||
      getsockname(probe.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0)
    return Fail(Code::kUnavailable, "cannot-listen", fmt::format("no free port on `{}`", address));
  return ntohs(v6 ? v6_address->sin6_port : v4_address->sin_port);
}

// Waits for an answer; never on a thread that the answer needs.
template <class T, class Call>
Result<T> Await(Call call) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future = promise->get_future();
  call([promise](Result<T> answer) { promise->set_value(std::move(answer)); });
  return future.get();
}

}  // namespace

Status Server::Impl::OpenStore() {
  if (options.throw_away) {
    master_key = crypto::MasterKey::Random(rng);
    store = std::make_unique<store::MemoryStore>(rng);
    return {};
  }
  REMIT_ASSIGN(master_key, ReadMasterKey(options.config.master_key_file));
  store::sqlite::Options sqlite;
  sqlite.path = options.config.data_dir + "/remit.db";
  sqlite.reserve_bytes = options.config.store_reserve_bytes;
  REMIT_ASSIGN(store, store::sqlite::Open(sqlite, rng));
  return {};
}

Status Server::Impl::OpenWebhooks() {
  webhook_workers = std::make_unique<io::WorkerPool>(std::max<std::size_t>(options.config.webhooks.size(), 1));
  const auto record = [this](std::string_view type, const json::Object& fields, std::vector<store::Write> rows, std::function<void(Status)> done) {
    broker->Record(type, fields, std::move(rows), std::move(done));
  };
  REMIT_ASSIGN(webhooks,
               notify::Webhooks::Open({*store, clock, rng, timers, *webhook_workers, installation, issuer, record, {}}, options.config.webhooks));
  return {};
}

Status Server::Impl::Open() {
  if (config::Listen& listen = options.config.listen; !listen.address.empty() && listen.port == 0) {
    REMIT_ASSIGN(listen.port, FreePort(listen.address));
  }
  issuer = options.config.PublicUrl();
  REMIT_TRY(CheckTargets(options.config.targets));  // first: a configuration that is refused has made no store
  REMIT_TRY(OpenStore());
  REMIT_ASSIGN(installation, broker::OpenInstallation(*store, *master_key, rng, clock.Now()));
  REMIT_ASSIGN(targets, MakeTargets(options.config.targets, installation, clock, rng));
  broker::Parts parts{*store, clock, rng, timers, *target_workers, *master_key, {targets.begin(), targets.end()}, issuer};
  parts.sweep_interval = options.config.sweep_interval;
  parts.accept_clock = options.accept_clock;
  REMIT_TRY(OpenAnchors(parts.targets));
  REMIT_ASSIGN(broker, broker::Broker::Open(std::move(parts)));
  directory = std::make_unique<api::BrokerDirectory>(*broker);
  REMIT_ASSIGN(sessions, identity::Sessions::Open(*store, clock, rng, *directory));
  REMIT_ASSIGN(assertions, identity::ClientAssertions::Open(*store, clock, *directory, issuer, issuer + "/token"));
  SetHooks();
  authenticator = std::make_unique<identity::Authenticator>(*directory, *sessions, geteuid());
  REMIT_TRY(OpenWebhooks());
  services = std::make_unique<api::Services>(api::Services{
      *broker, *authenticator, *sessions, *assertions, *store, clock, timers, *read_workers, metrics, issuer,
      [this](auto answer) { ListTargets(std::move(answer)); }, [this](const std::string& name, auto answer) { CheckTarget(name, std::move(answer)); },
      options.config.metrics, [this] { return webhooks->ToJson(); }, [this](std::string_view type) { return webhooks->Tells(type); },
      [this] { return CheckMachine(options.config, options.throw_away); }});
  if (!options.listen) return {};
  REMIT_TRY(Listen());
  webhooks->Start();
  return {};
}

// Before anything is read from the store as true: is it the newest that there is?
Status Server::Impl::OpenAnchors(const std::vector<std::shared_ptr<target::Target>>& native) {
  if (options.throw_away) return {};
  broker::AnchorKeeper::Parts keep{.store = *store,
                                   .clock = clock,
                                   .timers = timers,
                                   .file_worker = *anchor_worker,
                                   .target_workers = *target_workers,
                                   .master_key = *master_key,
                                   .file = options.config.AnchorFile(),
                                   .targets = {},
                                   .on_old = [this](const Error& error) {
                                     {
                                       const std::lock_guard lock(failure_mutex);
                                       failure = error;
                                     }
                                     loop.Stop();
                                   }};
  // What the machine itself knows, then whether the targets are those that their passwords are for, then what they know.
  REMIT_TRY(broker::AnchorKeeper::Check(keep, options.restored));
  REMIT_TRY(KeepTargetAddresses(*store, *master_key, options.config.targets, clock.Now()));
  keep.targets = native;
  REMIT_ASSIGN(const std::uint64_t epoch, broker::AnchorKeeper::Check(keep, options.restored));
  // Before the anchors are written anew, or the next start would take this store for what it is not.
  if (options.restored) {
    const Result<broker::BarredList> list = broker::AnchorKeeper::ReadBarred(keep);
    if (!list) log::Warn("who was barred and which key has leaked after the copy was made is not known: {}", list.error().ToString());
    if (list && !list->receipt_keys) log::Warn("which key has leaked after the copy was made is not known: the list is of an older Remit");
    REMIT_TRY(broker::OpenEpoch(*store, *master_key, rng, epoch + 1, clock.Now(), list.value_or(broker::BarredList())));
  }
  REMIT_ASSIGN(anchors, broker::AnchorKeeper::Start(std::move(keep)));
  return {};
}

void Server::Impl::SetHooks() {
  // On the worker: it waits for the store.
  const auto record = [this](std::string_view type, const json::Object& fields, std::vector<store::Write> writes,
                             const std::optional<broker::Declared>& still) -> Status {
    return Await<void>([&](auto answer) { broker->Record(type, fields, std::move(writes), answer, still); });
  };
  const auto read = [this](const std::string& key) { return store->Get(store::Table::kMeta, key); };
  const auto may_send = [this](const config::TargetSettings& target, std::string_view file, const Secret& password) {
    const std::lock_guard lock(passwords_mutex);
    return KeepTargetPassword(*store, *master_key, target, file, password);
  };
  const auto declared = [this](const std::string& account) { return broker->DeclarationOf(account); };
  standing = std::make_unique<StandingEnder>(
      StandingEnder::Parts{options.config.targets, options.config.data_dir + "/standing", clock, record, read, declared, may_send});
  broker::Hooks hooks;
  hooks.standing = [this](const broker::StandingRequest& request, std::function<void(Result<json::Array>)> done) {
    if (standing_worker->Submit([this, request, done] { done(standing->End(request)); })) return;
    done(Fail(Code::kUnavailable, "stopping", "this server is stopping"));
  };
  hooks.see_accounts = [this](const std::vector<std::string>& accounts, bool all, std::function<void(json::Array)> done) {
    if (!look_workers->Submit([this, accounts, all, done] { done(standing->notes().Look(accounts, all)); })) done({});
  };
  hooks.end_sessions = [this](const cedar::EntityUid& who, const std::string& why, std::function<void(Result<std::size_t>)> done) {
    const std::size_t count = sessions->CountOf(who);
    sessions->EndAllOf(who, why, [count, done = std::move(done)](Status ended) {
      done(ended ? Result<std::size_t>(count) : Result<std::size_t>(std::unexpected(ended.error())));
    });
  };
  broker->SetHooks(std::move(hooks));
}

Status Server::Impl::Listen() {
  const config::Listen& listen = options.config.listen;
  http::ServerOptions serve;
  if (!listen.address.empty()) {
    http::Listener tcp;
    bool v6 = listen.address.find(':') != std::string::npos;
    tcp.address = fmt::format("{}{}{}:{}", v6 ? "[" : "", listen.address, v6 ? "]" : "", listen.port);
    if (listen.tls()) {
      REMIT_ASSIGN(tcp.tls, crypto::TlsServerContext::FromPemFiles(listen.tls_certificate_file, listen.tls_key_file));
    }
    serve.listeners.push_back(std::move(tcp));
  }
  if (!listen.socket.empty()) {
    http::Listener local;
    local.address = "unix:" + listen.socket;
    local.unix_mode = 0666;  // who may do what is decided by the peer's uid, not by who can connect
    serve.listeners.push_back(std::move(local));
  }
  serve.hosts = options.config.allowed_hosts;
  std::string host = issuer.substr(issuer.find("://") + 3);
  serve.hosts.push_back(host.substr(0, host.find('/')));
  serve.origins = options.config.allowed_origins;
  serve.origins.push_back(issuer);
  serve.observe = [this](std::string_view method, std::string_view route, int status, Duration took) {
    metrics.Observe(method, route, status, took);
  };
  http::Router router;
  api::Register(router, *services);
  http = std::make_unique<http::Server>(std::move(serve), std::move(router));
  return http->Start();
}

void Server::Impl::ListTargets(broker::Answer<json::Value> answer) {
  read_workers->Submit([this, answer] {
    json::Array all;
    for (const auto& target : targets) {
      Status ping = target->Ping();
      json::Object one{{"name", target->name()}, {"type", target->type()}, {"ok", ping.has_value()}};
      if (!ping) one.Set("detail", ping.error().message);
      all.push_back(std::move(one));
    }
    answer(json::Value(json::Object{{"installation", installation}, {"targets", std::move(all)}}));
  });
}

void Server::Impl::CheckTarget(const std::string& name, broker::Answer<json::Value> answer) {
  for (const auto& target : targets) {
    if (target->name() != name) continue;
    read_workers->Submit([target, answer] {
      Result<target::postgres::CheckReport> report = target->Check();
      if (!report) return answer(std::unexpected(report.error()));
      json::Value json = report->ToJson();
      json.AsObject().Set("script", report->ClosingScript());
      answer(std::move(json));
    });
    return;
  }
  answer(Fail(Code::kNotFound, "unknown-target", fmt::format("no target `{}`", name), "see the targets with `remit target list`"));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  // Nothing may call into the broker while it goes: first who asks, then who works for it, then the timers' loop (not running any more).
  if (impl_->http) impl_->http->Stop(std::chrono::seconds(5));
  if (impl_->webhooks) impl_->webhooks->Stop();
  if (impl_->webhook_workers) impl_->webhook_workers->Stop(io::WorkerPool::Rest::kDrop);
  impl_->standing_worker->Stop(io::WorkerPool::Rest::kDrop);
  impl_->look_workers->Stop(io::WorkerPool::Rest::kDrop);
  impl_->read_workers->Stop(io::WorkerPool::Rest::kDrop);
  impl_->target_workers->Stop(io::WorkerPool::Rest::kDrop);
  impl_->anchor_worker->Stop(io::WorkerPool::Rest::kDrop);
  if (impl_->broker) impl_->broker->Close();
  impl_->anchors.reset();  // says what the ledger is in the end
}

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  std::signal(SIGPIPE, SIG_IGN);
  log::Configure(options.config.log_level, options.config.log_json);
  REMIT_TRY(io::NoDumps());
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  for (int signal : {SIGTERM, SIGINT}) impl->loop.OnSignal(signal, [loop = &impl->loop] { loop->Stop(); });
  REMIT_TRY(impl->Open());
  std::unique_ptr<Server> server(new Server(std::move(impl)));
  if (!server->has_catalog() && !server->impl_->options.config.catalogs.empty())
    REMIT_TRY(server->LoadCatalogs(server->impl_->options.config.catalogs));
  return server;
}

void Server::Run() { impl_->loop.Run(); }

bool Server::has_catalog() const { return impl_->broker->catalog() != nullptr; }

Status Server::LoadCatalogs(const std::vector<std::string>& folders) {
  REMIT_ASSIGN(CatalogFolders read, ReadCatalogFolders(folders));
  REMIT_TRY(Await<broker::CatalogAnswer>([&](auto answer) { impl_->broker->LoadCatalog(kOperator, read.files, false, answer); }));
  REMIT_TRY(Await<broker::FactsAnswer>([&](auto answer) { impl_->broker->PutFacts(kOperator, json::Value(read.facts), false, answer); }));
  return {};
}

Result<Everybody> Server::RegisterAll(const json::Value& jwk) {
  Everybody all;
  std::shared_ptr<const task::Catalog> catalog = impl_->broker->catalog();
  json::Value facts = impl_->broker->Facts();
  for (const json::Value& entity : facts.Find("entities")->AsArray()) {
    const json::Value* uid = entity.Find("uid");
    const std::string* type = uid->FindString("type");
    const std::string* id = uid->FindString("id");
    if (type == nullptr || id == nullptr) continue;
    if (catalog->IsActor(*type)) {
      broker::ActorRecord actor{{*type, *id}, *id, jwk, std::nullopt, false};
      REMIT_TRY(Await<json::Value>([&](auto answer) { impl_->broker->PutActor(kOperator, actor, answer); }));
      bool runs_tasks = false;
      for (const auto& [name, task_type] : catalog->task_types()) runs_tasks = runs_tasks || task_type.actor_type == *type;
      all.clients.insert(runs_tasks ? all.clients.begin() : all.clients.end(), *id);
    } else if (catalog->IsPerson(*type)) {
      broker::PersonRecord person{{*type, *id}, *id, false};
      REMIT_TRY(Await<json::Value>([&](auto answer) { impl_->broker->PutPerson(kOperator, person, answer); }));
      all.people.push_back(person.uid);
    }
  }
  return all;
}

Result<json::Value> Server::MakeAdministrator(const cedar::EntityUid& person, const std::string& name, const cedar::EntityUid& team) {
  bool known = false;
  const json::Value facts = impl_->broker->Facts();
  for (const json::Value& entity : facts.Find("entities")->AsArray()) {
    const std::string *type = entity.Find("uid")->FindString("type"), *id = entity.Find("uid")->FindString("id");
    known = known || (type != nullptr && id != nullptr && *type == person.type && *id == person.id);
  }
  if (!known) {
    json::Array parents;
    parents.push_back(json::Object{{"type", team.type}, {"id", team.id}});
    json::Object uid{{"type", person.type}, {"id", person.id}};
    json::Array entities;
    entities.push_back(json::Object{{"uid", std::move(uid)}, {"attrs", json::Object{}}, {"parents", std::move(parents)}});
    REMIT_TRY(Await<broker::FactsAnswer>([&](auto answer) { impl_->broker->PutFacts(kOperator, json::Value(entities), false, answer); }));
  }
  REMIT_TRY(Await<json::Value>([&](auto answer) { impl_->broker->PutPerson(kOperator, {person, name, false}, answer); }));
  const identity::Caller as_them{.kind = identity::Caller::Kind::kPerson, .uid = person, .task = {}, .signed_in = impl_->clock.Now(), .session = {}};
  const Status may = impl_->broker->MayAdminister(as_them, "catalog.load");
  if (!may && may.error().reason != "needs-approval")
    return Fail(Code::kFailedPrecondition, "not-an-administrator",
                fmt::format("{} could not load a catalog: {}", person.ToString(), may.error().message),
                "the catalogs need a policy that permits it, as catalogs/administration has");
  REMIT_ASSIGN(const identity::Minted minted, Await<identity::Minted>([&](auto answer) { impl_->sessions->MakeLink(kOperator, person, answer); }));
  return json::Value(json::Object{{"link", impl_->issuer + "/sign-in#" + std::string(minted.handle.Reveal())},
                                  {"code", minted.handle.Reveal()},
                                  {"expires", FormatTime(minted.expires)},
                                  {"set_up", impl_->broker->SetUpIsOpen()}});
}

std::optional<Error> Server::failure() const {
  const std::lock_guard lock(impl_->failure_mutex);
  return impl_->failure;
}

std::vector<std::string> Server::addresses() const { return impl_->http->addresses(); }
const std::string& Server::issuer() const { return impl_->issuer; }

void NotifyReady() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || path[0] == '\0' || std::strlen(path) >= sizeof(sockaddr_un{}.sun_path)) return;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path);
  if (path[0] == '@') address.sun_path[0] = '\0';
  constexpr std::string_view kReady = "READY=1";
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  sendto(fd, kReady.data(), kReady.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
  close(fd);
}

}  // namespace remit::cli
