// Inside this room only: the questions of `remit target check`.
#pragma once

#include <string_view>

namespace remit::target::postgres {

extern const std::string_view kCheckServerSql;     // once, in the target's database
extern const std::string_view kCheckDatabaseSql;   // in each database that a task can connect to
extern const std::string_view kCheckSequencesSql;  // in the target's database; $1: the installation

}  // namespace remit::target::postgres
