// Reads the inventory of a live PostgreSQL server (13 or later): any role may, since the catalogs are open to all; what it cannot connect to is
// a finding. Changes nothing: each database is read in one read-only transaction.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "pg/connection.h"
#include "posture/scan/inventory.h"

namespace remit::posture {

// `server` says how to connect; its database is read first, then each of `databases` (empty: every one that allows connections and is no
// template). `reading(name)` is told which comes. Errors: `unsupported-server` before 13, `unknown-database`, those of pg for the first one.
Result<Inventory> ReadInventory(const pg::ConnectOptions& server, const std::vector<std::string>& databases,
                                const std::function<void(const std::string&)>& reading = {});

}  // namespace remit::posture
