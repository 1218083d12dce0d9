// Which role a declared account is: its OID and its cluster, written down when it is first seen, so that from then on another role of the same name
// is not taken for it. Looking ends nothing.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "broker/answers.h"
#include "config/target_settings.h"
#include "json/value.h"
#include "pg/connection.h"
#include "posture/replace/account_known.h"
#include "store/store.h"

namespace remit::cli {

// Writes an event into the ledger, in one commit with these rows, and waits until it is there: broker::Broker::Record.
using RecordEvent = std::function<Status(std::string_view type, const json::Object& fields, std::vector<store::Write> writes,
                                         const std::optional<broker::Declared>& still)>;
// broker::Broker::DeclarationOf.
using DeclarationOf = std::function<std::optional<std::uint64_t>(const std::string& account)>;
// The row of store::Table::kMeta.
using ReadMeta = std::function<Result<std::optional<std::string>>(const std::string& key)>;

// Whether the password in the target's setting `file` (`password_file`, `superuser_password_file`), as it is now, may be sent to this target: it may
// have been given for another server. From any thread.
using MaySend = std::function<Status(const config::TargetSettings& target, std::string_view file, const Secret& password)>;

// "TARGET/ROLE", taken apart: the first slash ends the target's name.
struct AccountPlace {
  std::string account, target, role;
  const config::TargetSettings* settings = nullptr;  // null where no such target is configured
  std::optional<std::uint64_t> declaration = {};     // the one that is looked at for; none: nothing is noted of it
};

// From any thread; blocks.
class AccountNotes {
 public:
  AccountNotes(std::vector<config::TargetSettings> targets, RecordEvent record, ReadMeta read, DeclarationOf declared, MaySend may_send)
      : targets_(std::move(targets)),
        record_(std::move(record)),
        read_(std::move(read)),
        declared_(std::move(declared)),
        may_send_(std::move(may_send)) {}

  AccountPlace PlaceOf(const std::string& account) const;
  const config::TargetSettings* Find(std::string_view target) const;
  // How to connect as Remit's own role. INVARIANT: its password is in nobody's hands before `may_send` let it. Errors: ReaderOptions', MaySend's.
  Result<pg::ConnectOptions> Reader(const config::TargetSettings& settings) const;

  // As broker::Hooks::see_accounts has it: looks at all of them, or at those of which nothing is noted, and notes what is there and is not noted yet.
  json::Array Look(const std::vector<std::string>& accounts, bool all);

  // What is noted. Errors: the store's, those of a strict reader.
  Result<std::optional<posture::KnownRole>> Noted(const std::string& account) const;
  // The same, as far as it says something at the cluster `system`: what was noted at a cluster that is in the target's `former_systems` does not.
  Result<std::optional<posture::KnownRole>> Noted(const AccountPlace& place, const std::string& system) const;
  // Notes `seen`, unless something else than `before` is noted by now, or `place.declaration` is not the account's any more; event `standing.noted`.
  // Errors: `account-changed`, the store's.
  Status Note(const AccountPlace& place, const posture::KnownRole& seen, const std::optional<posture::KnownRole>& before);
  // The same in one commit with another event: what is begun is begun at exactly this role.
  Status NoteWith(std::string_view type, const json::Object& event, const AccountPlace& place, const posture::KnownRole& seen,
                  const std::optional<posture::KnownRole>& before);

 private:
  struct Doors;

  json::Value LookAt(const AccountPlace& place, const std::optional<posture::KnownRole>& known, Doors& doors);
  bool IsFormer(const AccountPlace& place, const std::string& system) const;

  const std::vector<config::TargetSettings> targets_;
  const RecordEvent record_;
  const ReadMeta read_;
  const DeclarationOf declared_;
  const MaySend may_send_;
  std::mutex notes_;  // INVARIANT: nothing is noted between a look at what is noted and the commit that rests on it
};

}  // namespace remit::cli
