// /ledger: the checkpoint and the tiles, for everybody (C2SP tlog-tiles: they are hashes of salted commitments and say nothing), and the
// entries, for the operator.
#include <fmt/format.h>

#include "api/rest.h"
#include "api/routes.h"
#include "base/limits.h"
#include "ledger/tile.h"

namespace remit::api {
namespace {

using http::Request;
using http::Respond;

constexpr std::string_view kForEver = "public, max-age=31536000, immutable";

std::unexpected<Error> NoSuchTile() { return Fail(Code::kNotFound, "no-such-tile", "the ledger has no such tile, or not yet"); }

void Checkpoint(const Call& call, Respond respond) {
  OnWorker(call, respond, [respond](Services& services) {
    REMIT_API_ASSIGN(const json::Value checkpoint, services.broker.Checkpoint());
    const std::string* note = checkpoint.FindString("checkpoint");
    REMIT_CHECK(note != nullptr);
    respond(http::Text(200, *note));
  });
}

Result<std::string> ReadTile(Services& services, const ledger::TileRequest& wanted) {
  if (ledger::TileWidthAt(wanted.id, services.store.Head().size) < wanted.width) return NoSuchTile();
  REMIT_ASSIGN(const std::vector<Hash> hashes, services.store.ReadTile(wanted.id, wanted.width));
  if (hashes.size() < wanted.width) return NoSuchTile();
  std::string bytes;
  bytes.reserve(wanted.width * sizeof(Hash));
  for (std::size_t i = 0; i < wanted.width; ++i) bytes += AsText(hashes[i]);
  return bytes;
}

void Tile(const Call& call, Respond respond) {
  auto wanted = ledger::ParseTilePath(fmt::format("tile/{}", call.request.Param("path")));
  if (!wanted.has_value()) return respond(http::Problem(NoSuchTile().error()));
  OnWorker(call, respond, [wanted = *wanted, respond](Services& services) {
    REMIT_API_ASSIGN(std::string bytes, ReadTile(services, wanted));
    // What a tile of a given width holds never changes.
    respond({.content_type = "application/octet-stream", .headers = {{"Cache-Control", std::string(kForEver)}}, .body = std::move(bytes)});
  });
}

json::Value EntryJson(const store::StoredEvent& event) {
  json::Object entry{{"index", event.index}};
  if (event.body.has_value()) entry.Set("body", *event.body);  // as it was written: the text is what was hashed
  entry.Set("salt", HexEncode(AsBytes(event.salt)));
  entry.Set("leaf", HexEncode(event.leaf));
  return entry;
}

void Entries(const Call& call, Respond respond) {
  REMIT_API_TRY(call.services.broker.MayReadServer(call.caller));
  REMIT_API_TRY(call.request.OnlyQuery({"from", "count"}));
  REMIT_API_ASSIGN(const std::uint64_t from, ReadIndex(call.request, "from"));
  REMIT_API_ASSIGN(const std::size_t count, ReadCount(call.request, "count", 100, limits::kLedgerPage));
  OnWorker(call, respond, [from, count, respond](Services& services) {
    json::Array entries;
    REMIT_API_TRY(services.store.ScanEvents(from, [&](const store::StoredEvent& event) {
      entries.push_back(EntryJson(event));
      return entries.size() < count;
    }));
    respond(http::Json(200, json::Object{{"entries", std::move(entries)}}));
  });
}

}  // namespace

void AddLedgerRoutes(http::Router& router, Services& services) {
  const auto open = [&](std::string_view pattern, CallHandler handler) {
    router.Add("GET", pattern,
               [&services, handler](const Request& request, Respond respond) { handler({services, request, Caller{}}, std::move(respond)); });
  };
  open("/ledger/checkpoint", Checkpoint);
  open("/ledger/tile/{path...}", Tile);
  AddCall(router, services, "GET", "/ledger/entries", Entries);
}

}  // namespace remit::api
