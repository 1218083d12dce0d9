// remit person, sign-in, sign-out, whoami: people, and the session of the one who sits here.
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "io/files.h"

namespace remit::cli {
namespace {

Status KeepSession(std::string_view session) {
  std::string file = SessionFile();
  for (std::size_t slash = file.find('/', 1); slash != std::string::npos; slash = file.find('/', slash + 1))
    mkdir(file.substr(0, slash).c_str(), 0700);
  return io::WriteFileAtomic(file, std::string(session) + "\n", 0600);
}

// One line from standard input, so that the code is in no process list: whoever sees it first could use it. Not shown where it is typed.
std::string ReadCode() {
  termios before{};
  const bool typed = isatty(0) == 1 && tcgetattr(0, &before) == 0;
  if (typed) {
    PrintMessage("the code of your link:");
    termios hidden = before;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(0, TCSAFLUSH, &hidden);
  }
  std::string line;
  for (char c; line.size() < 4096 && read(0, &c, 1) == 1 && c != '\n';) line += c;
  if (typed) tcsetattr(0, TCSAFLUSH, &before);
  return std::string(Trim(line));
}

// The code of a link, or the code itself.
std::string CodeOf(const std::string& given) {
  std::size_t at = given.find("rml_");
  return at == std::string::npos ? given : given.substr(at);
}

// Whose session is kept here, which `approve` and the like use whoever else asks; "" for one that is not good at this server, nullopt without one.
Result<std::optional<std::string>> SignedIn() {
  Result<Remote> remote = Remote::Open(As::kPerson);
  if (!remote && remote.error().reason == "no-session") return std::optional<std::string>();
  if (!remote) return std::unexpected(std::move(remote.error()));
  const Result<json::Value> answer = remote->Get("/v1/whoami");
  if (!answer && answer.error().code != Code::kUnauthenticated) return std::unexpected(answer.error());
  const std::string* uid = answer ? answer->FindString("uid") : nullptr;
  return std::optional(uid == nullptr ? std::string() : *uid);
}

}  // namespace

void AddPeople(Command& root) {
  Command& person = root.Sub("person", "registers people and makes their sign-in links (administrators)");
  struct Args {
    std::string uid, name;
    bool bar = false;
  };
  auto put = std::make_shared<Args>();
  person.Sub("put", "registers a person, or changes one")
      .Argument("uid", put->uid, "e.g. 'Employee::\"dana\"'")
      .Option("--name", put->name, "what people call them")
      .Flag("--bar", put->bar, "may do nothing from now on")
      .Example("remit person put 'Employee::\"dana\"' --name Dana")
      .Run([put]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
        json::Object body{{"uid", put->uid}};
        if (!put->name.empty()) body.Set("display_name", put->name);
        if (put->bar) body.Set("barred", true);
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/people", body));
        if (Waits(answer)) return kNotApproved;
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine(fmt::format("{} is {}", Text(answer, "uid"), put->bar ? "barred" : "registered"));
        if (put->bar) PrintStillRunning(answer);
        return kOk;
      });
  auto link = std::make_shared<std::string>();
  person.Sub("link", "makes a sign-in link: for one person, good once, ten minutes")
      .Argument("uid", *link, "e.g. 'Employee::\"dana\"'")
      .Example("remit person link 'Employee::\"dana\"'")
      .Run([link]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/people/sign-in-link", json::Object{{"person", *link}}));
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine(Text(answer, "code"));
        // Where another command reads the code, nobody has to be told what to type.
        if (struct stat out; fstat(1, &out) != 0 || !S_ISFIFO(out.st_mode))
          PrintMessage(fmt::format("good once, until {}; they type `remit sign-in`, and this when asked", Moment(answer, "expires")));
        return kOk;
      });
  person.Sub("list", "lists the people").Example("remit person list").Run([]() -> Result<int> {
    REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
    REMIT_ASSIGN(json::Value answer, remote.Get("/v1/people"));
    if (globals().json) return PrintJson(answer), kOk;
    std::vector<std::vector<std::string>> rows = {{"PERSON", "NAME", "BARRED"}};
    for (const json::Value& one : answer.Find("people")->AsArray())
      rows.push_back({Text(one, "uid"), Text(one, "display_name"), Text(one, "barred")});
    PrintTable(rows);
    return kOk;
  });

  auto code = std::make_shared<std::string>();
  root.Sub("sign-in", "begins your session with the code of your link; kept in ~/.config/remit/session")
      .Argument("code", *code, "rml_…, or the whole link; better left out: it is asked for, and what stands here is in the process list", false)
      .Example("remit sign-in")
      .Run([code]() -> Result<int> {
        if (code->empty()) *code = ReadCode();
        if (code->empty()) return Fail(Code::kInvalidArgument, "usage", "which code?", "an administrator makes one with `remit person link`");
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/sign-in", json::Object{{"code", CodeOf(*code)}}));
        REMIT_TRY(KeepSession(*answer.FindString("session")));
        if (globals().json) {
          answer.AsObject().Erase("session");
          return PrintJson(answer), kOk;
        }
        PrintLine(fmt::format("signed in as {}, until {}", Text(answer, "person"), Moment(answer, "expires")));
        return kOk;
      });
  root.Sub("sign-out", "ends your session").Example("remit sign-out").Run([]() -> Result<int> {
    REMIT_ASSIGN(Remote remote, Remote::Open(As::kPerson));
    Result<json::Value> answer = remote.Post("/v1/sign-out", json::Object{});
    unlink(SessionFile().c_str());
    if (!answer && answer.error().code != Code::kUnauthenticated) return std::unexpected(answer.error());
    if (!globals().json) PrintLine("signed out");
    return kOk;
  });
  root.Sub("whoami", "who the server takes you for").Example("remit whoami").Run([]() -> Result<int> {
    REMIT_ASSIGN(Remote remote, Remote::Open(As::kAnybody));
    REMIT_ASSIGN(json::Value answer, remote.Get("/v1/whoami"));
    std::optional<std::string> signed_in;
    if (Text(answer, "kind") != "person") {
      REMIT_ASSIGN(signed_in, SignedIn());
    }
    if (signed_in && !signed_in->empty()) answer.AsObject().Set("signed_in", *signed_in);
    if (globals().json) return PrintJson(answer), kOk;
    PrintLine(fmt::format("{} {}", Text(answer, "kind"), Text(answer, answer.Find("task") != nullptr ? "task" : "uid")));
    if (!Text(answer, "signed_in").empty())
      PrintLine(fmt::format("person {} where a yes is asked for: approvals, approve, deny, review", Text(answer, "signed_in")));
    if (signed_in && signed_in->empty()) PrintMessage("your session is over, or of another server: to approve, `remit sign-in` again");
    return kOk;
  });
}

}  // namespace remit::cli
