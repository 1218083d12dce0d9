// Names of tables as ids of entities: `orders/public.invoices`, `orders/"Weird.Schema"."T"`. The first segment is the target's name; the
// others are SQL identifiers. There is exactly one way to write each name, so that two ids never mean one table.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace remit::pg {

struct TableName {
  std::string target;
  std::string schema;
  std::string table;

  std::string ToString() const;  // as ParseTableName reads it
  auto operator<=>(const TableName&) const = default;
};

// A segment without quotes is [a-z_][a-z0-9_]*, as SQL reads it without folding; anything else stands in double quotes, with a double
// quote doubled. A quoted segment that needs no quotes is refused: it would be a second spelling. Segments are 1 to 63 bytes of UTF-8
// without NUL. The target is [a-z0-9_-]+, at most 63 bytes. Errors: `bad-table-name`.
Result<TableName> ParseTableName(std::string_view id);

// The same without the target: `public.invoices`. `target` of the result is empty.
Result<TableName> ParseSchemaTable(std::string_view text);

}  // namespace remit::pg
