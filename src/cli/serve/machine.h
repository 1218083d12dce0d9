// What `remit doctor` looks at on the server's machine: its disk, its clock, its master key.
#pragma once

#include "config/config.h"
#include "json/value.h"

namespace remit::cli {

// [{check, status: "ok" | "warning" | "error", what, hint?}]. Reads files' attributes alone.
json::Value CheckMachine(const config::Config& config, bool throw_away);

// Pure: what to say of a disk with so much free of so much, where so much is kept for ends (and is part of neither).
json::Object DiskFinding(std::uint64_t free_bytes, std::uint64_t all_bytes, std::uint64_t wanted_reserve, std::uint64_t reserve);

}  // namespace remit::cli
