#include "broker/open/barred_list.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "broker/open/coded_text.h"
#include "cedar/value.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {
namespace {

constexpr std::string_view kForm = "remit/barred/v1";
constexpr std::string_view kPurpose = "remit barred v1";

std::unexpected<Error> Bad(std::string_view why) {
  return Fail(Code::kCorrupt, "bad-anchor", fmt::format("this is no list of who is barred in this installation: {}", why));
}

bool IsBarred(const json::Value& row) {
  const json::Value* barred = row.Find("barred");
  return barred != nullptr && barred->IsBool() && barred->AsBool();
}

constexpr store::Table kTables[] = {store::Table::kActor, store::Table::kPerson};

Result<json::Value> Read(std::string_view key, std::string_view row) {
  Result<json::Value> document = json::Parse(row);
  if (!document || !document->IsObject()) return Fail(Code::kCorrupt, "store-corrupt", fmt::format("row `{}` is no registration", key));
  return document;
}

}  // namespace

std::string BarredText(const BarredList& list, const crypto::MasterKey& master) {
  std::string body = fmt::format("{}\ninstallation {}\n", kForm, list.installation);
  for (const std::string& who : list.who) body += "barred " + who + "\n";
  return WithCode(std::move(body), kPurpose, master);
}

Result<BarredList> ParseBarred(std::string_view text, const crypto::MasterKey& master) {
  if (!text.starts_with(kForm)) return Bad("it has not its lines");
  const std::optional<std::string_view> body = WithoutCode(text, kPurpose, master);
  if (!body) return Bad("its code is not of this master key");
  const std::vector<std::string> lines = Split(*body, '\n');
  if (lines.size() < 3 || lines[0] != kForm || !lines[1].starts_with("installation ")) return Bad("it has not its lines");
  BarredList list;
  list.installation = lines[1].substr(std::string_view("installation ").size());
  for (std::size_t i = 2; i + 1 < lines.size(); ++i) {
    if (!lines[i].starts_with("barred ")) return Bad("it has another line");
    list.who.push_back(lines[i].substr(std::string_view("barred ").size()));
    const auto uid = cedar::EntityUid::Parse(list.who.back());
    if (!uid || uid->ToString() != list.who.back()) return Bad("somebody's name is malformed");
    if (i > 2 && list.who[i - 3] >= list.who.back()) return Bad("it is not sorted");
  }
  return list;
}

Result<BarredList> BarredIn(store::Store& store) {
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
