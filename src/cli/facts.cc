// remit facts: what is known of entities, as Cedar entities JSON.
#include <fmt/format.h>

#include "base/count.h"
#include "base/limits.h"
#include "cli/catalog_folder.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "io/files.h"
#include "json/read.h"

namespace remit::cli {

void AddFacts(Command& root) {
  Command& facts = root.Sub("facts", "what is known of entities (administrators)");
  struct Args {
    std::vector<std::string> files;
    bool replace = false;
  };
  auto put = std::make_shared<Args>();
  facts.Sub("put", "adds or changes entities, all or none")
      .Arguments("files", put->files, "Cedar entities JSON: an array of {uid, attrs, parents}", true)
      .Flag("--replace", put->replace, "forgets every entity that is not in the files")
      .Example("remit facts put tickets.json teams.json")
      .Run([put]() -> Result<int> {
        json::Array entities;
        for (const std::string& file : put->files) {
          REMIT_ASSIGN(std::string text, io::ReadFile(file, limits::kHttpLargeBodyBytes));
          Result<json::Value> document = json::Parse(text);
          if (!document) return std::unexpected(Error(document.error()).Within(file).Hint(std::string(kFactsForm)));
          if (!document->IsArray())
            return Fail(Code::kInvalidArgument, "bad-entities", fmt::format("`{}` is not an array of entities", file), std::string(kFactsForm));
          for (json::Value& entity : document->AsArray()) entities.push_back(std::move(entity));
        }
        json::Object body{{"entities", std::move(entities)}};
        if (put->replace) body.Set("replace", true);
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/facts", body));
        if (Waits(answer)) return kNotApproved;
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine(fmt::format("{}, facts {}", Counted(answer.Find("entities")->AsInt(), "entity", "entities"), Text(answer, "hash").substr(0, 12)));
        return kOk;
      });
  AddFactsSync(facts);
  facts.Sub("show", "prints every entity").Example("remit facts show").Run([]() -> Result<int> {
    REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
    REMIT_ASSIGN(json::Value answer, remote.Get("/v1/facts"));
    PrintJson(globals().json ? answer : *answer.Find("entities"));
    return kOk;
  });
}

}  // namespace remit::cli
