// remit init: configuration, master key and data folder for a new installation. Overwrites nothing.
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/rng.h"
#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/serve/server.h"
#include "config/config.h"
#include "crypto/master_key.h"
#include "io/files.h"

namespace remit::cli {
namespace {

Status MakeFolder(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return Fail(Code::kInvalidArgument, "cannot-write-file", fmt::format("cannot make folder `{}`: {}", path, std::strerror(errno)));
}

// Makes the store, loads the catalogs, and registers the administrator, without listening anywhere. As a rehearsal all of it is in memory.
Result<json::Value> FirstAdministrator(const config::Config& config, const cedar::EntityUid& person, const std::string& name,
                                       const cedar::EntityUid& team, bool rehearsal) {
  ServerOptions options;
  options.throw_away = rehearsal;
  options.config = config;
  options.config.log_level = log::Level::kWarn;
  options.listen = false;
  REMIT_ASSIGN(const std::unique_ptr<Server> server, Server::Start(std::move(options)));
  return server->MakeAdministrator(person, name, team);
}

void PrintAdministrator(const json::Value& made, const cedar::EntityUid& person) {
  PrintLine(Text(made, "code"));
  PrintMessage(fmt::format("that is the sign-in code of {}, good once, until {}: `remit sign-in`, and this when asked", person.ToString(),
                           Moment(made, "expires")));
  if (made.Find("set_up")->AsBool())
    PrintMessage("they need somebody else's yes to load a catalog: until there is one, the server's own user administers, too");
}

}  // namespace

void AddInit(Command& root) {
  struct Args {
    std::string folder = "/etc/remit", data = "/var/lib/remit", socket = "/run/remit/remit.sock", listen;
    std::string administrator, name, team = "Team::\"administrators\"";
    std::vector<std::string> catalogs;
  };
  auto args = std::make_shared<Args>();
  root.Sub("init", "writes remit.toml and a master key for a new installation; overwrites nothing")
      .Argument("folder", args->folder, "where remit.toml and master.key go (default /etc/remit)", false)
      .Option("--data-dir", args->data, "where the store will be (default /var/lib/remit)", "FOLDER")
      .Option("--socket", args->socket, "the unix socket (default /run/remit/remit.sock)", "PATH")
      .Option("--listen", args->listen, "ADDRESS:PORT for HTTP (default 127.0.0.1:7070)", "ADDRESS:PORT")
      .Option("--administrator", args->administrator, "the first administrator: registered, and a sign-in link printed; needs --catalog", "PERSON")
      .Option("--name", args->name, "what people call them")
      .Option("--team", args->team, "what they belong to where the facts do not say (default Team::\"administrators\")", "TEAM")
      .Option("--catalog", args->catalogs, "a folder that is loaded at the first start; may be repeated", "FOLDER")
      .Example(
          "remit init --catalog catalogs/administration --catalog catalogs/deploy \\\n"
          "    --administrator 'Employee::\"ann\"'\n"
          "remit init ./mine --data-dir ./mine/data --socket ./mine/remit.sock\n"
          "remit serve --config ./mine/remit.toml")
      .Run([args]() -> Result<int> {
        config::Config config;
        config.data_dir = args->data;
        config.master_key_file = args->folder + "/master.key";
        config.listen.socket = args->socket;
        if (!args->listen.empty()) {
          std::size_t colon = args->listen.rfind(':');
          if (colon == std::string::npos || args->listen.find_first_not_of("0123456789", colon + 1) != std::string::npos ||
              colon + 1 == args->listen.size() || args->listen.size() - colon > 6)
            return Fail(Code::kInvalidArgument, "usage", fmt::format("`{}` is not ADDRESS:PORT", args->listen));
          config.listen.address = args->listen.substr(0, colon);
          config.listen.port = static_cast<std::uint16_t>(std::stoul(args->listen.substr(colon + 1)));
        }
        // Paths in the file are as typed here, not as seen from the file's folder.
        for (std::string* path : {&config.data_dir, &config.master_key_file, &config.listen.socket}) {
          if (path->empty() || path->front() == '/') continue;
          std::unique_ptr<char, decltype(&std::free)> here(realpath(".", nullptr), &std::free);
          *path = std::string(here.get()) + "/" + *path;
        }
        for (const std::string& catalog : args->catalogs) {
          std::unique_ptr<char, decltype(&std::free)> there(realpath(catalog.c_str(), nullptr), &std::free);
          if (there == nullptr) return Fail(Code::kNotFound, "no-such-folder", fmt::format("there is no folder `{}`", catalog));
          config.catalogs.emplace_back(there.get());
        }
        std::optional<cedar::EntityUid> administrator, team;
        if (!args->administrator.empty()) {
          if (args->catalogs.empty())
            return Fail(Code::kInvalidArgument, "usage", "an administrator needs a catalog that says what administrators may",
                        "remit init --catalog catalogs/administration --administrator …");
          REMIT_ASSIGN(administrator, cedar::EntityUid::Parse(args->administrator));
          REMIT_ASSIGN(team, cedar::EntityUid::Parse(args->team));
        }
        std::string toml = args->folder + "/remit.toml";
        struct stat there;
        if (stat(toml.c_str(), &there) == 0)
          return Fail(Code::kAlreadyExists, "file-exists", fmt::format("`{}` is there already", toml),
                      "choose another folder, or keep what is there");
        // Before anything is written: what cannot be loaded, or who could not administer, leaves nothing behind.
        if (administrator) REMIT_TRY(FirstAdministrator(config, *administrator, args->name, *team, true));
        REMIT_TRY(MakeFolder(args->folder, 0750));
        REMIT_TRY(MakeFolder(config.data_dir, 0700));
        SystemRng rng;
        REMIT_TRY(crypto::MasterKey::CreateFile(config.master_key_file, rng));
        REMIT_TRY(io::WriteNewFile(toml, config::DefaultToml(config), 0640));
        json::Object answer{{"config", toml}, {"master_key", config.master_key_file}, {"data_dir", config.data_dir}};
        if (administrator) {
          REMIT_ASSIGN(json::Value link, FirstAdministrator(config, *administrator, args->name, *team, false));
          answer.Set("administrator", std::move(link));
        }
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine("wrote " + toml);
        PrintLine("wrote " + config.master_key_file + "  (keep a copy in a safe place: without it the store cannot be read)");
        PrintMessage(fmt::format("now: remit serve --config {}", toml));
        if (administrator) PrintAdministrator(*answer.Find("administrator"), *administrator);
        return kOk;
      });
}

}  // namespace remit::cli
