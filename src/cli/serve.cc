// remit serve: the server.
#include <unistd.h>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/serve/server.h"

namespace remit::cli {

void AddServe(Command& root) {
  struct Args {
    std::string config = "/etc/remit/remit.toml";
    bool accept_clock = false, restored = false;
  };
  auto args = std::make_shared<Args>();
  root.Sub("serve", "runs the server")
      .Option("--config", args->config, "the configuration (default /etc/remit/remit.toml)", "FILE")
      .Flag("--accept-clock", args->accept_clock, "starts although the clock is behind the ledger's last event")
      .Flag("--restored", args->restored, "the store is an old copy, on purpose: revokes everything that it says is alive, and begins anew")
      .Example("remit serve --config remit.toml")
      .Run([args]() -> Result<int> {
        ServerOptions options;
        REMIT_ASSIGN(options.config, config::Load(args->config));
        options.accept_clock = args->accept_clock;
        options.restored = args->restored;
        REMIT_ASSIGN(std::unique_ptr<Server> server, Server::Start(std::move(options)));
        PrintMessage(fmt::format("serving {} on {}", server->issuer(), Join(server->addresses(), ", ")));
        if (!server->has_catalog()) PrintMessage("no catalog is in force yet; load one with `remit catalog load FOLDER`");
        if (args->restored)
          PrintMessage(
              "a new epoch: every task of before is revoked and no token works; catalog, facts and registry are those of the copy, but for "
              "whom the list beside the anchor says to be barred: look at `remit actor list` and `remit person list`");
        NotifyReady();
        server->Run();
        if (std::optional<Error> failure = server->failure()) return std::unexpected(*std::move(failure));
        PrintMessage("stopping");
        return kOk;
      });
}

}  // namespace remit::cli
