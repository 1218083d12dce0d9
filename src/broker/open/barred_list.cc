#include "broker/open/barred_list.h"

#include <algorithm>
#include <functional>
#include <span>

#include <fmt/format.h>

#include "base/text.h"
#include "broker/keys.h"
#include "broker/open/coded_text.h"
#include "cedar/value.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {
namespace {

constexpr std::string_view kForm = "remit/barred/v2", kFormWithoutKeys = "remit/barred/v1";
constexpr std::string_view kBarred = "barred ", kReceiptKeyLine = "receipt-key ";
constexpr std::string_view kPurpose = "remit barred v1";

std::unexpected<Error> Bad(std::string_view why) {
  return Fail(Code::kCorrupt, "bad-anchor", fmt::format("this is no list of who is barred in this installation: {}", why));
}

bool IsBarred(const json::Value& row) {
  const json::Value* barred = row.Find("barred");
  return barred != nullptr && barred->IsBool() && barred->AsBool();
}

// The lines that begin with `word`, from the first of `lines` on; they are taken off.
std::vector<std::string> TakeLines(std::span<const std::string>& lines, std::string_view word) {
  std::vector<std::string> taken;
  for (; !lines.empty() && lines.front().starts_with(word); lines = lines.subspan(1)) taken.push_back(lines.front().substr(word.size()));
  return taken;
}

bool IsSorted(const std::vector<std::string>& names) { return std::ranges::adjacent_find(names, std::greater_equal()) == names.end(); }

constexpr store::Table kTables[] = {store::Table::kActor, store::Table::kPerson};

Result<json::Value> Read(std::string_view key, std::string_view row) {
  Result<json::Value> document = json::Parse(row);
  if (!document || !document->IsObject()) return Fail(Code::kCorrupt, "store-corrupt", fmt::format("row `{}` is no registration", key));
  return document;
}

}  // namespace

std::string BarredText(const BarredList& list, const crypto::MasterKey& master) {
  std::string body = fmt::format("{}\ninstallation {}\n", list.receipt_keys ? kForm : kFormWithoutKeys, list.installation);
  for (const std::string& who : list.who) body += fmt::format("{}{}\n", kBarred, who);
  if (list.receipt_keys)
    for (const std::string& kid : *list.receipt_keys) body += fmt::format("{}{}\n", kReceiptKeyLine, kid);
  return WithCode(std::move(body), kPurpose, master);
}

Result<BarredList> ParseBarred(std::string_view text, const crypto::MasterKey& master) {
  if (!text.starts_with(kForm) && !text.starts_with(kFormWithoutKeys)) return Bad("it has not its lines");
  const std::optional<std::string_view> body = WithoutCode(text, kPurpose, master);
  if (!body) return Bad("its code is not of this master key");
  const std::vector<std::string> lines = Split(*body, '\n');
  if (lines.size() < 3 || (lines[0] != kForm && lines[0] != kFormWithoutKeys) || !lines[1].starts_with("installation ") || !lines.back().empty())
    return Bad("it has not its lines");
  BarredList list;
  list.installation = lines[1].substr(std::string_view("installation ").size());
  std::span<const std::string> rest(lines.begin() + 2, lines.end() - 1);
  list.who = TakeLines(rest, kBarred);
  if (lines[0] == kForm) list.receipt_keys = TakeLines(rest, kReceiptKeyLine);
  if (!rest.empty()) return Bad("it has another line");
  for (const std::string& who : list.who)
    if (const auto uid = cedar::EntityUid::Parse(who); !uid || uid->ToString() != who) return Bad("somebody's name is malformed");
  if (!IsSorted(list.who) || (list.receipt_keys && !IsSorted(*list.receipt_keys))) return Bad("it is not sorted");
  return list;
}

Result<BarredList> BarredIn(store::Store& store, const crypto::MasterKey& master) {
  BarredList list;
  REMIT_ASSIGN(const std::optional<std::string> installation, store.Get(store::Table::kMeta, "installation"));
  list.installation = installation.value_or("");
  Status read;
  for (const store::Table table : kTables) {
    REMIT_TRY(store.Scan(table, "", [&](std::string_view key, std::string_view row) {
      const Result<json::Value> document = Read(key, row);
      if (!document) read = std::unexpected(document.error());
      if (document && IsBarred(*document)) list.who.emplace_back(key);
      return read.has_value();
    }));
    REMIT_TRY(read);
  }
  std::ranges::sort(list.who);
  const auto twice = std::ranges::unique(list.who);
  list.who.erase(twice.begin(), twice.end());
  REMIT_ASSIGN(list.receipt_keys, TrustedReceiptKeys(store, master));
  return list;
}

Status BarAgain(store::Store& store, const std::vector<std::string>& who, store::Batch& batch) {
  for (const std::string& uid : who) {
    for (const store::Table table : kTables) {
      REMIT_ASSIGN(const std::optional<std::string> row, store.Get(table, uid));
      if (!row) continue;
      REMIT_ASSIGN(json::Value document, Read(uid, *row));
      if (IsBarred(document)) continue;
      document.AsObject().Set("barred", true);
      batch.writes.push_back({table, uid, json::Canonical(document)});
    }
  }
  return {};
}

}  // namespace remit::broker
