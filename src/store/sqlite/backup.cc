#include "store/sqlite/backup.h"

#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "store/sqlite/lock.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/sqlite_store.h"

namespace remit::store::sqlite {
namespace {

std::unexpected<Error> CannotWrite(const std::string& path) {
  return Fail(Code::kUnavailable, "cannot-write-file", fmt::format("cannot write `{}`: {}", path, std::strerror(errno)));
}

std::unexpected<Error> Exists(const std::string& path) {
  return Fail(Code::kAlreadyExists, "file-exists", fmt::format("`{}` is there already", path), "give another name: nothing is overwritten");
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

Status Sync(const std::string& path, int flags) {
  const Fd fd(open(path.c_str(), flags | O_CLOEXEC));
  if (fd.empty() || fsync(fd.get()) != 0) return CannotWrite(path);
  return {};
}

// A file in the making, gone unless it was put in its place.
class Part {
 public:
  explicit Part(std::string path) : path_(std::move(path)) {}
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() {
    for (const char* tail : {"", "-journal", "-wal", "-shm"}) unlink((path_ + tail).c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Every page of the source as of one moment: a read transaction holds it still.
Status CopyPages(const std::string& from, const std::string& to) {
  REMIT_ASSIGN(Connection source, Connection::Open(from, SQLITE_OPEN_READONLY, nullptr));
  REMIT_ASSIGN(const SchemaState state, CheckSchema(source, from, Migrations()));
  if (state.is_new) return Fail(Code::kFailedPrecondition, "not-a-remit-store", fmt::format("`{}` is empty", from));
  REMIT_TRY(source.Exec("BEGIN"));
  REMIT_TRY(source.Number("SELECT count(*) FROM meta"));
  REMIT_ASSIGN(Connection copy, Connection::Open(to, SQLITE_OPEN_READWRITE, nullptr));
  REMIT_TRY(copy.Exec("PRAGMA synchronous = FULL"));
  sqlite3_backup* backup = sqlite3_backup_init(copy.get(), "main", source.get(), "main");
  if (backup == nullptr) return std::unexpected(SqliteError(copy.get(), sqlite3_errcode(copy.get()), "cannot begin the copy"));
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE || finished != SQLITE_OK)
    return std::unexpected(SqliteError(copy.get(), finished != SQLITE_OK ? finished : stepped, "cannot copy the store"));
  source.Rollback();
  // One file, without a log: what is copied elsewhere is all that there is.
  REMIT_ASSIGN(const std::string mode, copy.Text("PRAGMA journal_mode = DELETE"));
  if (mode != "delete") return Fail(Code::kUnavailable, "store-failed", fmt::format("the copy at `{}` keeps a log", to));
  return {};
}

// A whole copy under a name of its own, beside where it is to be.
Result<ledger::AuditReport> MakePart(const std::string& from, const Part& part) {
  if (access(from.c_str(), F_OK) != 0) return Fail(Code::kNotFound, "store-not-found", fmt::format("there is no store at `{}`", from));
  {
    const Fd fd(open(part.path().c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd.empty() || fchmod(fd.get(), 0600) != 0) return CannotWrite(part.path());
  }
  REMIT_TRY(CopyPages(from, part.path()));
  REMIT_TRY(Sync(part.path(), O_RDWR));
  return VerifyStore(part.path());
}

// The store belongs to whom the folder belongs: root restores for the server's user.
Status GiveToOwner(const std::string& file, const std::string& folder) {
  struct stat info{};
  if (geteuid() != 0 || stat(folder.c_str(), &info) != 0) return {};
  if (chown(file.c_str(), info.st_uid, info.st_gid) != 0) return CannotWrite(file);
  return {};
}

// Brings what the log of the old store holds into its one file, so that no log is left that SQLite would take for the new store's.
Status CloseOld(const std::string& path, const std::string& kept) {
  {
    auto old = Connection::Open(path, SQLITE_OPEN_READWRITE, nullptr);
    if (old) (void)old->Exec("PRAGMA journal_mode = DELETE");
  }
  for (const char* tail : {"-wal", "-shm", "-journal"})  // of a store that is too broken for that
    if (rename((path + tail).c_str(), (kept + tail).c_str()) != 0 && errno != ENOENT) return CannotWrite(kept + tail);
  if (link(path.c_str(), kept.c_str()) != 0) return errno == EEXIST ? Exists(kept) : CannotWrite(kept);
  return {};
}

std::string FreeName(const std::string& path) {
  std::string name = path + ".before-restore";
  for (int i = 2; access(name.c_str(), F_OK) == 0; ++i) name = fmt::format("{}.before-restore-{}", path, i);
  return name;
}

}  // namespace

Result<ledger::AuditReport> BackupStore(const std::string& path, const std::string& to) {
  if (access(to.c_str(), F_OK) == 0) return Exists(to);
  const Part part(fmt::format("{}.part-{}", to, getpid()));
  REMIT_ASSIGN(ledger::AuditReport report, MakePart(path, part));
  if (link(part.path().c_str(), to.c_str()) != 0) return errno == EEXIST ? Exists(to) : CannotWrite(to);
  REMIT_TRY(Sync(FolderOf(to), O_RDONLY | O_DIRECTORY));
  return report;
}

Result<Restored> RestoreStore(const std::string& backup, const std::string& path) {
  const bool was_there = access(path.c_str(), F_OK) == 0;
  REMIT_TRY(PrepareFolder(path));
  const Part part(fmt::format("{}.part-{}", path, getpid()));
  Restored restored;
  REMIT_ASSIGN(restored.ledger, MakePart(backup, part));
  if (!restored.ledger.ok())
    return Fail(Code::kCorrupt, "verification-failed", fmt::format("the ledger of `{}` does not hold: {}", backup, restored.ledger.Summary()),
                fmt::format("remit ledger verify --store {}", backup));
  // Held until the new store is in its place. Where there was none, this makes an empty one.
  REMIT_ASSIGN(StoreLock lock, StoreLock::TakeDatabase(path));
  REMIT_TRY(lock.TakeFile(path));
  if (was_there) {
    restored.kept = FreeName(path);
    REMIT_TRY(CloseOld(path, restored.kept));
  }
  REMIT_TRY(GiveToOwner(part.path(), FolderOf(path)));
  if (rename(part.path().c_str(), path.c_str()) != 0) return CannotWrite(path);
  REMIT_TRY(Sync(FolderOf(path), O_RDONLY | O_DIRECTORY));
  return restored;
}

}  // namespace remit::store::sqlite
