// remit dev: a throw-away server to try things with. Store and master key live in memory; every actor and person of the catalogs' facts is
// registered, the actors all with one key that is made for the occasion.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/serve/server.h"
#include "cli/shell_word.h"
#include "crypto/key.h"
#include "io/files.h"
#include "jose/jwk.h"

namespace remit::cli {
namespace {

// A folder of this user's alone: $XDG_RUNTIME_DIR/remit-dev, else /tmp/remit-dev-UID, which must not be anybody else's.
Result<std::string> OwnFolder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  std::string folder = runtime != nullptr && runtime[0] == '/' ? std::string(runtime) + "/remit-dev" : fmt::format("/tmp/remit-dev-{}", getuid());
  mkdir(folder.c_str(), 0700);
  struct stat info;
  if (lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077) != 0)
    return Fail(Code::kFailedPrecondition, "unsafe-folder", fmt::format("`{}` is not a folder of yours alone", folder),
                "remove it, or set XDG_RUNTIME_DIR");
  return folder;
}

// A file that goes with the server.
class Forgotten {
 public:
  explicit Forgotten(std::string file) : file_(std::move(file)) {}
  ~Forgotten() { (void)unlink(file_.c_str()); }
  Forgotten(const Forgotten&) = delete;
  Forgotten& operator=(const Forgotten&) = delete;

 private:
  std::string file_;
};

// In another shell, where all of it can be pasted.
void PrintWhatToType(const Everybody& everybody, const std::string& socket, const std::string& key_file) {
  const std::string me = everybody.clients.empty() ? "NAME" : everybody.clients.front();
  PrintMessage(fmt::format("actors you can be: {}", Join(everybody.clients, ", ")));
  PrintMessage("in another shell:");
  PrintLine(
      fmt::format("export REMIT_ADDR={} REMIT_KEY_FILE={} REMIT_CLIENT_ID={}", ShellWord("unix:" + socket), ShellWord(key_file), ShellWord(me)));
  PrintMessage("then: remit catalog show; remit explain TYPE; remit run TYPE name=value … -- COMMAND");
  if (everybody.people.empty()) return;
  std::vector<std::string> people;
  for (const cedar::EntityUid& person : everybody.people) people.push_back(person.ToString());
  PrintMessage(fmt::format("people you can be: {}", Join(people, ", ")));
  PrintMessage("to approve, sign in as one of them; tasks are still the actor's (`remit whoami` says both):\n  remit person link " +
               ShellWord(people.front()) + " | remit sign-in");
}

}  // namespace

void AddDev(Command& root) {
  struct Args {
    std::vector<std::string> folders;
    std::string listen = "127.0.0.1:7070";
  };
  auto args = std::make_shared<Args>();
  root.Sub("dev", "a throw-away server to try a catalog with: everything in memory, everybody registered")
      .Arguments("folders", args->folders, "folders of catalogs (default: catalogs/deploy)")
      .Option("--listen", args->listen, "ADDRESS:PORT for HTTP (default 127.0.0.1:7070)", "ADDRESS:PORT")
      .Example("remit dev catalogs/deploy catalogs/support")
      .Run([args]() -> Result<int> {
        if (args->folders.empty()) args->folders = {"catalogs/deploy"};
        REMIT_ASSIGN(std::string folder, OwnFolder());
        ServerOptions options;
        options.throw_away = true;
        options.config.log_level = log::Level::kWarn;
        options.config.listen.socket = folder + "/remit.sock";
        std::size_t colon = args->listen.rfind(':');
        int port = colon == std::string::npos ? -1 : std::atoi(args->listen.c_str() + colon + 1);
        if (port < 0 || port > 65535) return Fail(Code::kInvalidArgument, "usage", fmt::format("`{}` is not ADDRESS:PORT", args->listen));
        options.config.listen.address = args->listen.substr(0, colon);
        options.config.listen.port = static_cast<std::uint16_t>(port);
        REMIT_ASSIGN(std::unique_ptr<Server> server, Server::Start(std::move(options)));
        REMIT_TRY(server->LoadCatalogs(args->folders));

        crypto::SigningKey key = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
        std::string key_file = folder + "/actor.key";
        REMIT_TRY(io::WriteFileAtomic(key_file, key.ToPem().Reveal(), 0600));
        const Forgotten forgotten(key_file);
        REMIT_ASSIGN(const Everybody everybody, server->RegisterAll(jose::PublicJwk(key.public_key())));

        PrintMessage("a throw-away server: when it stops, everything is forgotten and every token is dead");
        PrintMessage(fmt::format("serving {} on {}", server->issuer(), Join(server->addresses(), ", ")));
        PrintWhatToType(everybody, folder + "/remit.sock", key_file);
        std::fflush(stdout);
        NotifyReady();
        server->Run();
        return kOk;
      });
}

}  // namespace remit::cli
