// What a task could do on the server that Remit does not give and cannot take: what PUBLIC may do; and what it could not do though it was given
// the table. `remit target check NAME`.
#pragma once

#include <string>
#include <vector>

#include "json/value.h"
#include "target/postgres/server.h"

namespace remit::target::postgres {

struct CheckItem {
  std::string name;      // stable, e.g. "temporary:orders", "definer:orders/public.f(integer)"; what `accepted` lists
  std::string database;  // where the closing statements run
  std::string what;      // for people
  std::string closing;   // SQL; empty where no statement closes it
  bool accepted = false;
};

// An INSERT that tasks may be given, and that fails where it leaves a column to its default: that draws on a sequence they may not use.
struct LackedSequence {
  std::string table, sequence;  // quoted: public.payments, public.payments_id_seq
  bool own = false;             // a column of the table owns it: the script of `remit target init` was not run since, and gives it
};

struct CheckReport {
  std::vector<CheckItem> items;             // sorted by name
  std::vector<std::string> stale_accepted;  // accepted names that nothing has: closed since, or misspelt
  std::vector<LackedSequence> lacked;       // sorted by table

  std::size_t open() const;  // items that are neither closed nor accepted
  // The script that closes every open item, for psql as a superuser. Printed, never run: whoever relies on PUBLIC's rights must first be
  // granted them by name.
  std::string ClosingScript() const;
  json::Value ToJson() const;
};

// Looks into every database that a task could connect to. Errors: the server's. What cannot be looked into is an item: `unknown:<database>`.
Result<CheckReport> CheckPublicRights(Server& server);

}  // namespace remit::target::postgres
