// cedar serve-cases: a question a line on stdin, an answer a line on stdout, until stdin ends. Not for people: see cases.h.
#include <cstdio>

#include "cedar/command/cases.h"
#include "cedar/command/command.h"
#include "cedar/command/files.h"
#include "cedar/command/options.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cedar::command {

Result<int> ServeCases(Words words) {
  Options options("serve-cases", "answers questions in JSON, one a line");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  char* line = nullptr;
  std::size_t capacity = 0;
  for (ssize_t size; (size = getline(&line, &capacity, stdin)) > 0;) {
    const auto question = json::Parse(std::string_view(line, static_cast<std::size_t>(size)), kFileJsonLimits);
    const json::Object answer =
        question ? AnswerCase(*question) : json::Object{{"ok", false}, {"stage", "json"}, {"message", question.error().ToString()}};
    PrintJson(answer);
    std::fflush(stdout);
  }
  std::free(line);
  return kOk;
}

}  // namespace remit::cedar::command
