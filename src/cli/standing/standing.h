// What an offboarded actor holds at PostgreSQL targets outside of tasks: found, taken away where a superuser is configured, and named where not.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/answers.h"
#include "cli/standing/account_notes.h"
#include "config/target_settings.h"
#include "json/value.h"
#include "posture/replace/account_end.h"
#include "store/store.h"

namespace remit::cli {

class StandingEnder {
 public:
  struct Parts {
    std::vector<config::TargetSettings> targets;
    std::string folder;  // for plans; made when it is first needed, for this user alone
    const Clock& clock;
    RecordEvent record;
    ReadMeta read;
    DeclarationOf declared;
    MaySend may_send;
    std::function<void(std::string_view step)> at{};  // for tests: see posture::AccountEndOptions
  };
  explicit StandingEnder(Parts parts)
      : parts_(std::move(parts)), notes_(parts_.targets, parts_.record, parts_.read, parts_.declared, parts_.may_send) {}

  // Lines for the receipt, as broker::Hooks::standing answers them. Blocks; one call at a time.
  json::Array End(const broker::StandingRequest& request);
  // Which roles accounts are, also from other threads and while one is ended.
  AccountNotes& notes() { return notes_; }

 private:
  using Place = AccountPlace;

  void EndOne(const broker::StandingRequest& request, const Place& place, json::Array& lines);
  void TakeAway(const broker::StandingRequest& request, const Place& place, const pg::ConnectOptions& options, json::Array& lines);
  void OnlyRead(const broker::StandingRequest& request, const Place& place, const pg::ConnectOptions& options, json::Array& lines);
  Result<std::string> WhoShares(const broker::StandingRequest& request, const Place& place);
  Result<std::string> WhoHas(const broker::StandingRequest& request, const posture::KnownRole& role) const;
  Status OnlyTheirs(const broker::StandingRequest& request, const posture::KnownRole& role) const;
  bool IsRemits(const Place& place, std::string_view role) const;
  Result<std::string> SystemOf(const config::TargetSettings& settings) const;
  Status MakeFolder() const;

  Parts parts_;
  AccountNotes notes_;
};

}  // namespace remit::cli
