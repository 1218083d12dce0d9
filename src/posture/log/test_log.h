// For tests: lines of a log as PostgreSQL writes them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "json/write.h"
#include "posture/log/csv_log.h"
#include "posture/log/json_log.h"
#include "posture/scan/usage.h"

namespace remit::posture {

// 2026-11-27 19:09:34 UTC, in the zone of Berlin.
inline LogRecord Line(std::string message = "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.invoices,select 1,<not logged>") {
  LogRecord record;
  record.time = "2026-11-27 20:09:34.894 CET";
  record.user = "billing";
  record.database = "orders";
  record.session_id = "6b09d56e.339d";
  record.session_line = 1;
  record.session_start = "2026-11-27 20:09:34 CET";
  record.severity = "LOG";
  record.sqlstate = "00000";
  record.message = std::move(message);
  record.application = "psql";
  record.backend_type = "client backend";
  return record;
}

inline std::string Quoted(const std::string& text) {
  if (text.empty()) return "";
  std::string out = "\"";
  for (char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

inline std::string Csv(const LogRecord& r, bool before_14 = false) {
  return fmt::format("{},{},{},13213,\"[local]\",{},{},\"SELECT\",{},3/7,0,{},{},{},{},{},{},{},{},{},{},{},{},{}{}\n", r.time, Quoted(r.user),
                     Quoted(r.database), r.session_id, r.session_line, r.session_start, r.severity, r.sqlstate, Quoted(r.message), Quoted(r.detail),
                     Quoted(r.hint), Quoted(r.internal_query), r.internal_position, Quoted(r.context), Quoted(r.query), r.query_position,
                     Quoted(r.location), Quoted(r.application), Quoted(r.backend_type), before_14 ? "" : ",,0");
}

inline std::string Json(const LogRecord& r) {
  json::Object o{{"timestamp", r.time}};
  auto set = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) o.Set(name, value);
  };
  set("user", r.user);
  set("dbname", r.database);
  o.Set("pid", 13213);
  o.Set("session_id", r.session_id);
  o.Set("line_num", static_cast<std::int64_t>(r.session_line));
  o.Set("session_start", r.session_start);
  o.Set("txid", 0);
  o.Set("error_severity", r.severity);
  if (r.sqlstate != "00000") o.Set("state_code", r.sqlstate);
  set("message", r.message);
  set("detail", r.detail);
  set("hint", r.hint);
  set("internal_query", r.internal_query);
  set("context", r.context);
  set("statement", r.query);
  if (!r.query_position.empty()) o.Set("cursor_position", 7);
  set("application_name", r.application);
  set("backend_type", r.backend_type);
  o.Set("query_id", -7);
  return json::Write(o) + "\n";
}

struct ReadBack {
  std::vector<LogRecord> records;
  bool cut_off = false;
  std::string error;  // reason
  std::string place;
  std::uint64_t lost = 0;
};

// Feeds the text in pieces of `step` bytes.
inline ReadBack ReadCsv(const std::string& text, std::size_t step = 1'000'000) {
  ReadBack back;
  CsvLog log([&](LogRecord& record) { back.records.push_back(record); });
  for (std::size_t at = 0; at < text.size(); at += step)
    if (Status status = log.Feed(std::string_view(text).substr(at, step)); !status) {
      back.error = status.error().reason;
      back.place = status.error().place;
      return back;
    }
  back.cut_off = log.Finish();
  return back;
}

inline ReadBack ReadJson(const std::string& text, std::size_t step = 1'000'000) {
  ReadBack back;
  JsonLog log([&](LogRecord& record) { back.records.push_back(record); });
  for (std::size_t at = 0; at < text.size(); at += step) log.Feed(std::string_view(text).substr(at, step));
  back.cut_off = log.Finish();
  back.lost = log.lost();
  return back;
}

}  // namespace remit::posture
