// The part of every schema that Remit writes itself: the verbs on the lives of tasks and on the server, and the resources of built-in
// targets. It is plain Cedar; `remit catalog schema` prints it together with the catalog's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace remit::task {

inline constexpr std::string_view kBuiltinSchemaFile = "remit (built in)";

inline constexpr std::string_view kVerbType = "Remit::Action";    // Remit::Action::"start"
inline constexpr std::string_view kServerType = "Remit::Server";  // Remit::Server::"remit" is the one entity of it
inline constexpr std::string_view kServerId = "remit";
inline constexpr std::string_view kEntityTypeType = "Remit::EntityType";  // of facts: Remit::EntityType::"Ticket" stands for all tickets
inline constexpr std::string_view kSecretPathType = "Secret::Path";
inline constexpr std::string_view kSecretFolderType = "Secret::Folder";

// What the catalog's own declarations say; types fully qualified.
struct BuiltinParts {
  std::vector<std::string> tasks;          // @task
  std::vector<std::string> actors;         // @actor
  std::vector<std::string> persons;        // @person
  std::vector<std::string> resources;      // of the tasks' actions: what a PEP may be asked about
  bool postgres = false, secrets = false;  // whether the catalog speaks of these namespaces; left out, they cannot hide its own names
};

// Actions apply to what `parts` has; to nothing where that is empty.
std::string BuiltinSchema(const BuiltinParts& parts);

// What a forbid that can be lifted may ask for where it bears on a verb. Uses are counted on tasks, by `extend` and `delegate`, from the start on,
// which is the first. What waits for a yes is kept until people gave it; every other verb is done, or refused, at once.
bool CountsUses(std::string_view verb);
bool WaitsForYes(std::string_view verb);

// Whether `name` (of a type or an action's type) lies in a namespace that only Remit declares in: Remit, Postgres, Secret.
bool IsBuiltinName(std::string_view name);

}  // namespace remit::task
