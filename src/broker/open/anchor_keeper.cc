#include "broker/anchor_keeper.h"

#include <sys/stat.h>

#include <mutex>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "broker/keys.h"
#include "broker/open/barred_list.h"
#include "io/files.h"

namespace remit::broker {
namespace {

// Noted in the store when it has a file: one that is gone later was taken away.
constexpr std::string_view kAnchored = "anchored";

std::string BarredFile(const std::string& file) { return file + ".barred"; }

bool IsOld(const Error& error) { return error.reason == "ledger-shorter" || error.reason == "ledger-forked"; }

}  // namespace

struct AnchorKeeper::Impl : std::enable_shared_from_this<AnchorKeeper::Impl> {
  explicit Impl(Parts given) : parts(std::move(given)) {}

  Parts parts;
  mutable std::mutex mutex;
  bool closed = false, writing = false;
  Anchor written;
  bool trouble = false;  // said once
  // Touched by one at a time, as the file's worker is.
  std::optional<std::pair<std::optional<std::string>, std::optional<std::string>>> listed;  // the registry and the keys that stand in the list
  std::string list;
  io::TimerId file_timer = 0, target_timer = 0;

  // Before the anchor, which then never says of a ledger more than the list does.
  Status WriteBarred() {
    REMIT_ASSIGN(std::optional<std::string> registry, parts.store.Get(store::Table::kMeta, kRegistryRow));
    REMIT_ASSIGN(std::optional<std::string> keys, parts.store.Get(store::Table::kMeta, kKeysRow));
    std::pair now(std::move(registry), std::move(keys));
    if (listed && *listed == now) return {};
    REMIT_ASSIGN(const BarredList barred, BarredIn(parts.store, parts.master_key));
    const std::string text = BarredText(barred, parts.master_key);
    if (text != list) REMIT_TRY(io::WriteFileAtomic(BarredFile(parts.file), text, 0600));
    list = text;
    listed = std::move(now);
    return {};
  }

  Status WriteFile() {
    REMIT_ASSIGN(const Anchor now, AnchorOf(parts.store));
    {
      const std::lock_guard lock(mutex);
      if (now == written) return {};
    }
    Status wrote = WriteBarred();
    if (wrote) wrote = io::WriteFileAtomic(parts.file, AnchorText(now, parts.master_key), 0600);
    const std::lock_guard lock(mutex);
    if (!wrote && !std::exchange(trouble, true)) log::Fault("the anchor cannot be written: {}", wrote.error().ToString());
    if (wrote) trouble = false;
    if (wrote) written = now;
    return wrote;
  }

  void ArmFile() {
    const std::lock_guard lock(mutex);
    if (closed || parts.file.empty()) return;
    file_timer = parts.timers.At(parts.clock.Now() + limits::kAnchorInterval, [self = shared_from_this()] {
      {
        const std::lock_guard inner(self->mutex);
        if (self->closed || std::exchange(self->writing, true)) return;
      }
      // One after the other: while the disk is slow nothing piles up.
      const bool taken = self->parts.file_worker.Submit([self] {
        (void)self->WriteFile();
        {
          const std::lock_guard inner(self->mutex);
          self->writing = false;
        }
        self->ArmFile();
      });
      if (!taken) {
        const std::lock_guard inner(self->mutex);
        self->closed = true;
      }
    });
  }

  void ArmTargets(Duration after) {
    const std::lock_guard lock(mutex);
    if (closed || parts.targets.empty()) return;
    target_timer = parts.timers.At(parts.clock.Now() + after, [self = shared_from_this()] {
      for (const auto& target : self->parts.targets) self->parts.target_workers.Submit([self, target] { self->LeaveAt(*target); });
      self->ArmTargets(limits::kTargetAnchorInterval);
    });
  }

  // Looks first: where a target has seen more than there is, this store is old, and nobody may be served from it.
  void LeaveAt(target::Target& target) {
    const Status seen = CheckAt(parts, target);
    if (!seen && IsOld(seen.error())) {
      log::Fault("{}", seen.error().ToString());
      if (parts.on_old) parts.on_old(seen.error());
      return;
    }
    const Result<Anchor> now = AnchorOf(parts.store);
    if (!now) return;
    if (const Status left = target.LeaveAnchor(AnchorText(*now, parts.master_key)); !left)
      log::Info("no anchor at target `{}`: {}", target.name(), left.error().message);
  }

  // Errors: CheckAnchor's. A target that does not answer, or has none, says nothing.
  static Status CheckAt(const Parts& parts, target::Target& target, std::uint64_t* epoch = nullptr) {
    const Result<std::optional<std::string>> text = target.ReadAnchor();
    if (!text || !*text) return {};
    const Result<Anchor> anchor = ParseAnchor(**text, parts.master_key);
    if (!anchor) {  // whoever administers the target can write there what they like: it must not keep this server down
      log::Warn("target `{}` has an anchor that is not ours", target.name());
      return {};
    }
    if (epoch) *epoch = std::max(*epoch, anchor->epoch);
    return CheckAnchor(parts.store, *anchor, fmt::format("the anchor at target `{}`", target.name()));
  }
};

Result<std::uint64_t> AnchorKeeper::Check(const Parts& parts, bool restored) {
  REMIT_ASSIGN(const Anchor here, AnchorOf(parts.store));
  std::uint64_t epoch = here.epoch;
  const auto judge = [&](const Status& status) -> Status {
    if (!status && !(restored && IsOld(status.error()))) return status;
    return {};
  };
  if (!parts.file.empty()) {
    const Result<std::string> text = io::ReadFile(parts.file, limits::kAnchorBytes);
    if (text) {
      const Result<Anchor> anchor = ParseAnchor(*text, parts.master_key);
      if (!anchor && !restored) return std::unexpected(Error(anchor.error()).At(parts.file));
      if (anchor) {
        epoch = std::max(epoch, anchor->epoch);
        REMIT_TRY(judge(CheckAnchor(parts.store, *anchor, fmt::format("the anchor in `{}`", parts.file))));
      }
    } else if (text.error().reason != "no-such-file") {
      return std::unexpected(text.error());
    } else {
      REMIT_ASSIGN(const std::optional<std::string> anchored, parts.store.Get(store::Table::kMeta, kAnchored));
      if (anchored && !restored)
        return Fail(Code::kFailedPrecondition, "anchor-missing", fmt::format("this store has an anchor in `{}`, and it is gone", parts.file),
                    "put it back; where store and anchor are both restored from a copy: `remit serve --restored`");
    }
  }
  for (const auto& target : parts.targets) REMIT_TRY(judge(Impl::CheckAt(parts, *target, &epoch)));
  return epoch;
}

Result<BarredList> AnchorKeeper::ReadBarred(const Parts& parts) {
  if (parts.file.empty()) return Fail(Code::kFailedPrecondition, "anchor-missing", "there is no anchor's file, and no list beside it");
  REMIT_ASSIGN(const std::string text, io::ReadFile(BarredFile(parts.file), kBarredBytes));
  REMIT_ASSIGN(BarredList list, ParseBarred(text, parts.master_key));
  REMIT_ASSIGN(const Anchor here, AnchorOf(parts.store));
  if (list.installation != here.installation)
    return Fail(Code::kFailedPrecondition, "another-store", fmt::format("the list of who is barred is of installation `{}`", list.installation));
  return list;
}

Result<std::unique_ptr<AnchorKeeper>> AnchorKeeper::Start(Parts parts) {
  auto impl = std::make_shared<Impl>(std::move(parts));
  const std::string& file = impl->parts.file;
  if (!file.empty()) {
    for (std::size_t slash = file.find('/', 1); slash != std::string::npos; slash = file.find('/', slash + 1))
      ::mkdir(file.substr(0, slash).c_str(), 0700);
    REMIT_ASSIGN(const std::optional<std::string> anchored, impl->parts.store.Get(store::Table::kMeta, kAnchored));
    if (!anchored) {
      store::Batch batch;
      batch.writes.push_back({store::Table::kMeta, std::string(kAnchored), "1"});
      REMIT_TRY(impl->WriteFile());  // first, so that a crash in between leaves none that is missed
      REMIT_TRY(impl->parts.store.CommitNow(std::move(batch)));
    }
    REMIT_TRY(impl->WriteFile());
  }
  impl->ArmFile();
  impl->ArmTargets(Duration(0));
  return std::unique_ptr<AnchorKeeper>(new AnchorKeeper(std::move(impl)));
}

AnchorKeeper::~AnchorKeeper() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closed = true;
    for (const io::TimerId timer : {impl_->file_timer, impl_->target_timer})
      if (timer != 0) impl_->parts.timers.Cancel(timer);
  }
  if (!impl_->parts.file.empty()) (void)impl_->WriteFile();
}

}  // namespace remit::broker
