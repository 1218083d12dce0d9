// remit ledger: verifies the record from scratch, prints it, and shows a checkpoint to keep elsewhere.
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "config/config.h"
#include "http/target.h"
#include "io/files.h"
#include "json/read.h"
#include "json/write.h"
#include "ledger/checkpoint.h"
#include "store/sqlite/sqlite_store.h"

namespace remit::cli {
namespace {

std::unexpected<Error> NoCheckpoint(const std::string& path) {
  return Fail(Code::kInvalidArgument, "bad-checkpoint", fmt::format("`{}` is neither a checkpoint nor a receipt", path),
              "keep one with `remit ledger checkpoint > FILE`, or `remit receipt TASK --json > FILE`");
}

// A checkpoint from a file: the signed note, or the JSON of `remit ledger checkpoint --json` or of a receipt. With a key its signature is checked.
Result<store::TreeHead> ReadCheckpoint(const std::string& path, const std::string& key) {
  REMIT_ASSIGN(std::string text, io::ReadFile(path, 64u << 10));
  if (text.starts_with("{")) {
    const Result<json::Value> document = json::Parse(text);
    if (!document) return NoCheckpoint(path);
    const json::Value* proof = document->Find("proof");
    const std::string* note = (proof != nullptr ? *proof : *document).FindString("checkpoint");
    if (note == nullptr) return NoCheckpoint(path);
    text = std::string(*note);
  }
  const Result<ledger::Note> note = ledger::ParseNote(text);
  const auto unsigned_checkpoint = note ? ledger::ParseCheckpointText(note->text) : std::unexpected(note.error());
  if (!unsigned_checkpoint) return NoCheckpoint(path);
  if (key.empty()) return store::TreeHead{unsigned_checkpoint->size, unsigned_checkpoint->root};
  REMIT_ASSIGN(ledger::NoteVerifier verifier, ledger::NoteVerifier::Parse(key));
  REMIT_ASSIGN(ledger::Checkpoint checkpoint, ledger::OpenCheckpoint(text, verifier));
  return store::TreeHead{checkpoint.size, checkpoint.root};
}

void AddVerify(Command& ledger) {
  struct Args {
    std::string config = "/etc/remit/remit.toml", store, against, key;
  };
  auto args = std::make_shared<Args>();
  ledger.Sub("verify", "recomputes the whole ledger from the store's file, also while the server runs")
      .Option("--config", args->config, "the configuration that names the store (default /etc/remit/remit.toml)", "FILE")
      .Option("--store", args->store, "the store's file itself, instead", "FILE")
      .Option("--against", args->against, "a checkpoint that you kept: without one, a cut tail cannot be seen", "FILE")
      .Option("--key", args->key, "the checkpoint's key, `checkpoint_key` in a receipt: its signature is checked too")
      .Example("remit ledger checkpoint > kept-elsewhere.txt\nremit ledger verify --against kept-elsewhere.txt")
      .Run([args]() -> Result<int> {
        if (args->store.empty()) {
          REMIT_ASSIGN(config::Config config, config::Load(args->config));
          args->store = config.data_dir + "/remit.db";
        }
        if (struct stat info; stat(args->store.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
          return Fail(Code::kInvalidArgument, "not-a-remit-store", fmt::format("`{}` is a folder", args->store),
                      fmt::format("--store {}{}remit.db", args->store, args->store.ends_with("/") ? "" : "/"));
        std::optional<store::TreeHead> against;
        if (!args->against.empty()) {
          REMIT_ASSIGN(against, ReadCheckpoint(args->against, args->key));
        }
        REMIT_ASSIGN(ledger::AuditReport report, store::sqlite::VerifyStore(args->store, against));
        if (globals().json) {
          json::Array findings;
          for (const ledger::Finding& finding : report.findings)
            findings.push_back(json::Object{{"flaw", ledger::FlawName(finding.flaw)}, {"index", finding.index}, {"text", finding.text}});
          PrintJson(json::Object{{"ok", report.ok()},
                                 {"complete", report.complete()},
                                 {"size", report.head.size},
                                 {"root", HexEncode(report.head.root)},
                                 {"erased", report.erased},
                                 {"findings", std::move(findings)}});
        } else {
          for (const ledger::Finding& finding : report.findings) PrintLine(Styled(Style::kRed, finding.text));
          PrintLine((report.ok() ? Styled(Style::kGreen, "holds: ") : Styled(Style::kRed, "does not hold: ")) + report.Summary());
        }
        return report.ok() ? kOk : kVerificationFailed;
      });
}

}  // namespace

void AddLedger(Command& root) {
  Command& ledger = root.Sub("ledger", "the append-only record of every event");
  AddVerify(ledger);
  ledger.Sub("checkpoint", "a signed checkpoint: keep it elsewhere, and nobody can rewrite what is before it")
      .Example("remit ledger checkpoint > checkpoint.txt")
      .Run([]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        REMIT_ASSIGN(std::string note, remote.GetText("/ledger/checkpoint"));
        if (globals().json) return PrintJson(json::Object{{"checkpoint", note}}), kOk;
        std::fputs(note.c_str(), stdout);
        return kOk;
      });
  struct Args {
    std::string from = "0", count = "100";
  };
  auto args = std::make_shared<Args>();
  ledger.Sub("export", "prints events, one JSON document a line (administrators)")
      .Option("--from", args->from, "the first index (default 0)", "N")
      .Option("--count", args->count, "at most so many (default 100)", "N")
      .Example("remit ledger export --from 100 --count 50")
      .Run([args]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kPeer));
        REMIT_ASSIGN(json::Value answer,
                     remote.Get("/ledger/entries?from=" + http::PercentEncode(args->from) + "&count=" + http::PercentEncode(args->count)));
        for (const json::Value& entry : answer.Find("entries")->AsArray()) PrintLine(json::Write(entry));
        return kOk;
      });
}

}  // namespace remit::cli
