#include "posture/replace/sessions.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

namespace remit::posture {

Result<std::int64_t> EndSessions(pg::Connection& connection, const std::string& account_oid, Duration limit) {
  REMIT_ASSIGN(const pg::Rows now, connection.Exec("SELECT clock_timestamp()::text"));
  const std::string cut(now.Text(0, 0));
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::int64_t ended = 0;
  for (auto pause = std::chrono::milliseconds(1);; pause = std::min(pause * 2, std::chrono::milliseconds(50))) {
    REMIT_ASSIGN(const pg::Rows rows, connection.Exec("SELECT count(*), count(*) FILTER (WHERE pg_terminate_backend(pid)), min(pid) "
                                                      "FROM pg_stat_get_activity(NULL) WHERE usesysid = $1::oid AND backend_start <= $2::timestamptz",
                                                      {account_oid, cut}));
    ended = std::max(ended, rows.Int(0, 0));
    if (rows.Int(0, 0) == 0) return ended;
    if (std::chrono::steady_clock::now() > deadline)
      return Fail(
          Code::kDeadlineExceeded, "sessions-left",
          fmt::format("{} sessions of the account were told to end and are still there, one of them process {}", rows.Int(0, 0), rows.Text(0, 2)),
          "the grants are gone; apply the plan again to go on");
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace remit::posture
