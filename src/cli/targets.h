// From [targets.NAME] of remit.toml to targets.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/secret.h"
#include "config/config.h"
#include "pg/connection.h"
#include "target/postgres/postgres_target.h"

namespace remit::cli {

// Reads the settings of a PostgreSQL target. Errors: `missing-setting`, `bad-setting`, `unknown-setting`, those of the password's file.
Result<target::postgres::Config> PostgresConfig(const config::TargetSettings& settings, const std::string& installation);

// The password in a file that its owner alone can read, without the end of its line. Errors: io::ReadSecretFile's.
Result<Secret> ReadPasswordFile(const std::string& path);

// Where a PostgreSQL target is and how its server is known; not as whom. Errors: as PostgresConfig.
Result<pg::ConnectOptions> TargetAddress(const config::TargetSettings& settings);

// How to reach a PostgreSQL target as the superuser that its settings name, for offboarding alone; nothing where they name none. The password is read
// from its file at each call. Errors: as PostgresConfig.
Result<std::optional<pg::ConnectOptions>> SuperuserOptions(const config::TargetSettings& settings);
// The same as Remit's own role, which sees what accounts hold and takes nothing away.
Result<pg::ConnectOptions> ReaderOptions(const config::TargetSettings& settings);

// Whether the settings of all targets can be read, before anything is opened or made. Errors: as PostgresConfig, and `unknown-target-type`.
Status CheckTargets(const std::vector<config::TargetSettings>& settings);

// All targets. `clock` and `rng` must outlive them. Errors: also `unknown-target-type`, `bad-target`.
Result<std::vector<std::shared_ptr<target::postgres::PostgresTarget>>> MakeTargets(const std::vector<config::TargetSettings>& settings,
                                                                                   const std::string& installation, const Clock& clock, Rng& rng);

}  // namespace remit::cli
