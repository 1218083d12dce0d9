#include "cli/run/environment.h"

#include <algorithm>
#include <string_view>

namespace remit::cli {
namespace {

// libpq, "Environment Variables": those that say where to, as whom, and how safely. PGAPPNAME, PGTZ and the like stay.
constexpr std::string_view kLibpq[] = {
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "PGOPTIONS",
    "PGREQUIREAUTH",
    "PGCHANNELBINDING",
    "PGSSLMODE",
    "PGREQUIRESSL",
    "PGSSLCOMPRESSION",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCERTMODE",
    "PGSSLROOTCERT",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLSNI",
    "PGSSLNEGOTIATION",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMAXPROTOCOLVERSION",
    "PGREQUIREPEER",
    "PGGSSENCMODE",
    "PGKRBSRVNAME",
    "PGGSSLIB",
    "PGGSSDELEGATION",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
};

bool MayPass(std::string_view name, const TaskVariables& task, bool has_postgres) {
  if (name.starts_with("REMIT_")) return name == "REMIT_SOCKET" || name == "REMIT_CA_FILE";
  if (task.credentials.contains(std::string(name))) return false;
  return !has_postgres || std::ranges::find(kLibpq, name) == std::end(kLibpq);
}

}  // namespace

std::vector<std::string> CommandEnvironment(const std::vector<std::string>& caller, const TaskVariables& task) {
  const bool has_postgres = task.credentials.contains("PGHOST");
  std::vector<std::string> environment;
  for (const std::string& variable : caller) {
    const std::size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0) continue;  // not a variable that any program could read
    if (MayPass(std::string_view(variable).substr(0, equals), task, has_postgres)) environment.push_back(variable);
  }
  for (const auto& [name, value] : task.credentials) environment.push_back(name + "=" + std::string(value.Reveal()));
  environment.push_back("REMIT_ADDR=" + task.address);
  environment.push_back("REMIT_TASK=" + task.task);
  environment.push_back("REMIT_TOKEN=" + std::string(task.token.Reveal()));
  return environment;
}

}  // namespace remit::cli
