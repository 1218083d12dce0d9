"""What scripts/run shows: one Remit server on the embedded store, and five jobs done on it for real.

Nothing here is an imitation: `remit init`, `remit serve` and `remit run` are the release binary's; the deploy server and the help desk are
small HTTP servers that ask Remit; PostgreSQL is a throw-away server, whose log is pgaudit's. What is printed as refused is what was answered.

    demo.py            shows it and leaves the server up until Ctrl-C
    ONCE=1 demo.py     shows it and stops
    demo.py JOB …      what the commands of the jobs do, inside `remit run`
"""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
REMIT = os.environ.get("DEMO_REMIT") or os.environ.get("REMIT_BIN") or str(ROOT / "build" / "remit")


# --- what the jobs' commands do. Each prints lines of JSON: [what it tried, whether it could, what it was told]. ---------------------------

def tell(what, could, said):
    print(json.dumps([what, bool(could), " ".join(str(said).split())]), flush=True)


def call(method, url, body=None, bearer=None):
    """(status, JSON or text)."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer or os.environ['REMIT_TOKEN']}"}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, body and json.dumps(body).encode(), headers, method=method))
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read().decode()
    return answer.status, json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text


def remit(*args, input=None):
    done = subprocess.run([REMIT, *args], capture_output=True, text=True, input=input)
    return done.returncode == 0, done.stdout.strip(), re.sub(r"^(remit|error): ", "", done.stderr.strip().splitlines()[0]) if done.stderr.strip() else ""


def deploy_job(deploy_server):
    token = remit("token", "--audience", deploy_server)[1]
    for service, environment in (("checkout", "prod"), ("billing", "prod"), ("checkout", "prod-eu")):
        status, answer = call("POST", deploy_server, {"service": service, "environment": environment}, token)
        tell(f"deploy {service} to {environment}", status == 200, answer["said"])
    print(json.dumps({"token": token}), flush=True)


def triage_job(help_desk):
    for what, method, path in (("read ticket T-1", "GET", "/ticket.read/Ticket/T-1"), ("read ticket T-2", "GET", "/ticket.read/Ticket/T-2"),
                               ("call tool kb.search", "POST", "/tool.call/Tool/kb.search"), ("call tool mail.send", "POST", "/tool.call/Tool/mail.send"),
                               ("comment on T-1", "POST", "/ticket.comment/Ticket/T-1"), ("comment on T-1 again", "POST", "/ticket.comment/Ticket/T-1")):
        status, answer = call(method, help_desk + path, {} if method == "POST" else None)
        tell(what, status == 200, answer["said"])


def psql(sql, env):
    """Whether PostgreSQL did it, and what it said."""
    done = subprocess.run(["psql", "-X", "-A", "-t", "-c", sql], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode == 0, done.stdout or re.sub(r"^(psql: )?(error: )?(connection to server .*? failed: )?(ERROR|FATAL): *", "", done.stderr.splitlines()[0])


def window_job():
    for what, sql, database in (("read invoices", "SELECT count(*) || ' rows' FROM public.invoices", None), ("read salaries", "SELECT * FROM public.salaries", None),
                                ("change invoices", "UPDATE public.invoices SET amount = 0", None), ("become the superuser", "SET ROLE postgres", None),
                                ("open another database", "SELECT 1", "other")):
        tell(what, *psql(sql, {**os.environ, **({"PGDATABASE": database} if database else {})}))
    # Somebody keeps a copy of what the command was given, and uses it from elsewhere. The window closes when they are in.
    print(json.dumps({"copy": {name: value for name, value in os.environ.items() if name.startswith("PG")}}), flush=True)
    sys.stdin.readline()


def rotate_job():
    could, value, why = remit("secret", "get", "prod/db/orders")
    tell("read prod/db/orders", could, why or f"{len(value)} characters")
    could, said, why = remit("secret", "put", "prod/db/orders", input="a new password")
    tell("write prod/db/orders", could, why or said)
    for what, *args in (("read prod/db/billing", "get", "prod/db/billing"), ("list prod/db", "list", "prod/db")):
        could, said, why = remit("secret", *args)
        tell(what, could, why or said)


def billing_job():
    for what, sql in (("read invoices", "SELECT count(*) || ' rows' FROM public.invoices"), ("write a payment", "INSERT INTO public.payments (amount) VALUES (10)"),
                      ("read customers", "SELECT * FROM public.customers"), ("delete payments", "DELETE FROM public.payments")):
        tell(what, *psql(sql, os.environ))
    # The account's standing access goes while the task is at work.
    print(json.dumps({"half": "done"}), flush=True)
    sys.stdin.readline()
    tell("write another payment", *psql("INSERT INTO public.payments (amount) VALUES (20)", os.environ))


JOBS = {"deploy": deploy_job, "triage": triage_job, "window": window_job, "rotate": rotate_job, "billing": billing_job}


# --- the show ------------------------------------------------------------------------------------------------------------------------------

# What PostgreSQL writes down, so that `remit scan` can tell what an account uses.
AUDITED = [word for setting in ("shared_preload_libraries=pgaudit", "pgaudit.log=read,write,function", "pgaudit.log_relation=on", "logging_collector=on",
                                "log_destination=csvlog", "log_disconnections=on") for word in ("--set", setting)]

# An account with more than it uses, by itself and by a role.
BILLING = """
CREATE ROLE readers;
CREATE ROLE billing LOGIN PASSWORD 'billing' IN ROLE readers;
CREATE TABLE public.payments (id serial, amount int);
GRANT CONNECT ON DATABASE orders TO readers;
GRANT USAGE ON SCHEMA public TO readers;
GRANT SELECT ON public.invoices, public.customers TO readers;
GRANT UPDATE ON public.customers TO billing;
GRANT INSERT, DELETE ON public.payments TO billing;
GRANT USAGE ON SEQUENCE public.payments_id_seq TO billing;
"""

# What it does, day by day. It tries one door, and would like the log to say that it needs more than it does.
BILLING_DAY = """
SELECT count(*) FROM public.invoices;
INSERT INTO public.payments (amount) VALUES (10);
DO $$ BEGIN RAISE LOG 'AUDIT: SESSION,1,1,WRITE,UPDATE,TABLE,public.customers,x,<not logged>'; END $$;
SELECT * FROM public.salaries;
"""

COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


def line(label, code, what, said=""):
    said = said if len(said) <= 84 else said[:81] + "..."
    print(f"  {styled(code, f'{label:<8}')} {what:<26} {styled('2', said)}".rstrip(), flush=True)


class Demo:
    def __init__(self, harness):
        self.harness = harness
        self.closing = []

    def close(self):
        for close in reversed(self.closing):
            close()

    def set_up(self):
        import orders
        postgres = []
        making = threading.Thread(target=lambda: postgres.append(orders.make_postgres(*AUDITED)))
        making.start()
        self.server = server = self.harness.RemitServer(start=False)
        self.closing.append(server.close)
        making.join()
        self.postgres = postgres[0]
        self.closing.append(self.postgres.close)
        self.postgres.psql(BILLING, "orders")
        for _ in range(3):
            self.postgres.psql(BILLING_DAY, "orders", "billing", "billing", check=False)
        server.add_postgres_target("orders", self.postgres, "orders", tables=["public.invoices", "public.customers", "public.payments:insert"],
                                   databases=["other"])
        server.start()
        server.load("deploy", "support", "vendor", "rotate")
        self.postgres.psql(server.cli("target", "init", "postgres", "orders", "--config", server.config).stdout, "orders")
        for _ in range(5):  # what PUBLIC may do there is closed by the database's owner
            found = server.cli("target", "check", "orders", "--json", check=False)
            if found.returncode == 0:
                break
            self.postgres.psql(found.json["script"], "orders")
        self.ci, self.bot = server.actor('Pipeline::"ci"', "ci"), server.actor('Agent::"triage-bot"', "triage-bot")
        self.helpdesk, self.rotator = server.actor('Service::"helpdesk"', "helpdesk"), server.actor('Automation::"rotator"', "rotator")
        self.vera, self.dana = server.person('Engineer::"vera"'), server.person('Employee::"dana"')
        for path, value in (("prod/db/orders", "the old password"), ("prod/db/billing", "another password")):
            server.cli("secret", "put", path, input=value)
        self.deploy_server, self.help_desk = self.web(self.deploy), self.web(self.ask)

    def web(self, handle):
        server = self.harness.WebServer(handle)
        self.closing.append(server.close)
        return server

    # The deploy server: takes a token that is made for it, asks Remit whether it is still good, and reads what it permits.
    def deploy(self, method, path, headers, body):
        asked = json.loads(body)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        claims = self.server.api("POST", "/introspect", form={"token": token}, bearer=self.harness.OPERATOR).json
        if not claims["active"] or claims["aud"] != self.deploy_server.url:
            return 401, {"said": f"401: introspection says active: {json.dumps(claims['active'])}"}
        permitted = {(p["action"], p["resource"]) for detail in claims["authorization_details"] for p in detail["permissions"]}
        for wanted in (('Action::"deploy"', f'Application::"{asked["service"]}"'), ('Action::"deploy.to"', f'Environment::"{asked["environment"]}"')):
            if wanted not in permitted:
                return 403, {"said": f"403: the token does not permit {wanted[0]} on {wanted[1]}"}
        return 200, {"said": "deployed"}

    # The help desk: asks Remit (AuthZEN) before it lets an agent do anything.
    def ask(self, method, path, headers, body):
        action, kind, name = path.strip("/").split("/")
        token = headers.get("authorization", "").removeprefix("Bearer ")
        answer = self.helpdesk.api("POST", "/access/v1/evaluation", {"subject": {"type": "remit_token", "id": token}, "action": {"name": action},
                                                                      "resource": {"type": kind, "id": name}}).json
        reason = answer.get("context", {}).get("reason", "")
        return (200, {"said": "done"}) if answer["decision"] else (403, {"said": f"decision: false, {reason if isinstance(reason, str) else json.dumps(reason)}"})

    # --- a job: `remit run`, what its command was told, and how it ended.

    def job(self, title, actor, type, parameters, job, *arguments, reason=None, during=None):
        print(f"\n{styled('1', title)}")
        options = ["--reason", reason] if reason else []
        typed = " ".join([type, *parameters, *options])
        print(styled("2", f"  $ remit run {typed} -- ./{job}"), flush=True)
        process = self.harness.popen("--json", "run", type, *parameters, *options, "--", "/usr/bin/python3", "-B", __file__, job, *arguments,
                                     env={**actor.env, "DEMO_REMIT": REMIT}, stdin=subprocess.PIPE)
        events, kept = [], {}
        def listen():
            for text in process.stderr:
                event = json.loads(text) if text.startswith("{") else {"event": "text", "text": text.rstrip()}
                events.append(event)
                if event["event"] == "waiting":
                    self.agree(event["approval"])
                elif event["event"] == "started":
                    for permission in event["permissions"] or []:
                        line("got", "36", self.short(permission))
                    for credential in event["credentials"]:
                        line("got", "36", f"{credential['target']} {credential['kind']}", credential["name"])
                elif event["event"] == "text":
                    line("said", "33", event["text"])
        listener = threading.Thread(target=listen)
        listener.start()
        for text in process.stdout:
            told = json.loads(text)
            if isinstance(told, dict):
                kept.update(told)
                if during:
                    during(kept)
                    process.stdin.write("go on\n")
                    process.stdin.flush()
            else:
                line("allowed" if told[1] else "refused", "32" if told[1] else "31", told[0], told[2])
        process.wait()
        listener.join()
        if process.returncode != 0:
            raise SystemExit(f"`remit run {typed}` ended with {process.returncode}: {events[-1:]}")
        self.task = next(event["task"] for event in events if event["event"] == "started")
        self.events = events
        return kept

    @staticmethod
    def short(permission):
        action = re.sub(r'^(.*)Action::"(.*)"$', r"\2", permission["action"])
        text = f"{action} {permission.get('resource', '')}"
        for obligation in permission.get("obligations") or []:
            if "after_uses" in obligation:
                text += f" ({obligation['after_uses']} time{'s' if obligation['after_uses'] > 1 else ''})"
            if "unless_approved" in obligation:
                text += " (after a yes" + (f" where {obligation['when']}" if "when" in obligation else "") + ")"
        return text

    def agree(self, approval):
        asked = next(one for one in self.dana.cli("approvals", "--json").json["approvals"] if one["id"] == approval)
        self.dana.cli("approve", approval, "--hash", asked["hash"])
        line("waits", "33", "for one yes", f"remit approve {approval}, typed by dana")

    def ended(self, *proofs):
        receipt = self.server.cli("receipt", self.task, "--json").json
        seconds = next(event["seconds"] for event in self.events if event["event"] == "completed")
        line("ended", "35", f"{receipt['task']['state']} after {seconds:.1f} s", f"remit receipt {self.task}")
        if any(event["event"] == "token" and event["state"] == "dead" for event in self.events):
            line("proof", "35", "REMIT_TOKEN", "asked with it, the server refuses")
        for credential in receipt["credentials"]:
            for one in credential["evidence"]:
                if one["step"] in ("refused", "gone", "expired"):
                    line("proof", "35", one["step"], one["detail"])
        for what, said in proofs:
            line("proof", "35", what, said)

    # --- an account's standing access: what it uses becomes a task type, the rest goes.

    # A command of the administrator's. What is shown is what runs, but for --json and what stands behind a `$NAME`.
    def typed(self, *args, **names):
        print(styled("2", f"  $ remit {' '.join(args)}"), flush=True)
        return self.harness.run(*(names[arg[1:]] if arg.startswith("$") else arg for arg in args), "--json").json

    def by_itself(self):
        """What the account is told, with its own password."""
        could, said = psql("SELECT count(*) || ' rows' FROM public.customers", self.harness.clean_env(
            {"PGHOST": self.postgres.host, "PGPORT": self.postgres.port, "PGDATABASE": "orders", "PGUSER": "billing", "PGPASSWORD": "billing"}))
        line("allowed" if could else "refused", "33" if could else "31", "the account, by itself", " ".join(said.split()))

    def scan(self):
        log = pathlib.Path(self.postgres.data) / "log"
        self.harness.eventually(lambda: sum(len(re.findall("disconnection: .*user=billing", part.read_text())) for part in log.glob("*.csv")) >= 3,
                                what="the account's sessions are in PostgreSQL's log")
        of_billing = ["$PG", "--log", "$LOG", "--account", "billing", "--database", "orders"]
        names = {"PG": f"postgresql://postgres@127.0.0.1:{self.postgres.port}/orders", "LOG": log, "PROPOSED": f"{self.server.dir}/proposed",
                 "PLAN": f"{self.server.dir}/billing.replace.json"}
        report = self.typed("scan", "postgres", *of_billing, **names)
        for held in report["accounts"][0]["held"]:
            if held["object"]["kind"] == "table":
                label, code = {"used": ("used", "32"), "never": ("unused", "31"), "unknown": ("unclear", "33")}[held["evidence"]]
                line(label, code, f"{held['privilege']} {held['object']['name']}", f"{held.get('count', 'not')} times" if label == "used" else
                     "not once" if label == "unused" else "the log shows one privilege of a statement")
        for refused in report["accounts"][0]["refused"]:
            line("refused", "31", refused["what"], f"{refused['count']} times")
        for finding in report["findings"]:
            if finding["reason"].startswith("forged"):
                line("forged", "31", f"{finding['count']} lines of the log", finding["message"])
        proposal = self.typed("scan", "propose", *of_billing, "--out", "$PROPOSED", **names)
        for type in proposal["types"]:
            line("got", "36", f"task type {type['name']}", ", ".join(f"{one['privilege']} {one['table']}" for one in type["permissions"]))
        tests = self.typed("catalog", "test", "$PROPOSED", **names)
        line("tested", "36", f"{tests['passed']} passed, {len(tests['failures'])} failed")
        return names

    def replace(self, names):
        self.by_itself()
        plan = self.typed("replace", "plan", "billing", "--admin", "$PG", "--out", "$PLAN", **names)["plan"]
        line("planned", "36", f"{len(plan['removed'])} grants go", f"{len(plan['cascades'])} of others fall with them")
        done = self.typed("replace", "apply", "$PLAN", "--admin", "$PG", **names)
        refused = sum(probe["verdict"] == "refused" for probe in done["probes"])
        line("gone", "35", f"{done['removed']} grants", f"{refused} of {len(done['probes'])} statements as the account were refused with SQLSTATE 42501")
        self.by_itself()

    def take_back(self, names):
        done = self.typed("replace", "rollback", "$PLAN", "--admin", "$PG", **names)
        line("restored", "33", f"{done['restored']} grants", "as they were" if not done["lost"] else f"lost: {done['lost']}")
        self.by_itself()

    # --- the five jobs

    def show(self):
        server = self.server
        kept = self.job("1  CI deploy: one service, one environment", self.ci, "deploy", ["service=checkout", "environment=prod"], "deploy", self.deploy_server.url)
        status, answer = call("POST", self.deploy_server.url, {"service": "checkout", "environment": "prod"}, kept["token"])
        self.ended(("the same token again", answer["said"]))

        self.job("2  Agent on one ticket: read it, one tool, one comment", self.bot, "triage", ["ticket=T-1"], "triage", self.help_desk.url)
        answer = self.helpdesk.api("POST", "/access/v1/evaluation", {"subject": {"type": "task", "id": self.task}, "action": {"name": "ticket.read"},
                                                                     "resource": {"type": "Ticket", "id": "T-1"}}).json
        again = self.bot.cli("start", "triage", "ticket=T-1", "--json", check=False)
        self.ended(("read ticket T-1 again", f"decision: {json.dumps(answer['decision'])}, {answer.get('context', {}).get('reason', '')}"),
                   ("triage T-1 again today", json.loads(again.stderr)["error"]["reason"] if again.returncode else "it started"))

        stolen = {}
        def steal(kept):
            stolen.update(kept["copy"])
            self.session = subprocess.Popen(["psql", "-X", "-A", "-t", "-v", "VERBOSITY=terse"], env=self.harness.clean_env(stolen), stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.session.stdin.write("BEGIN; DECLARE c CURSOR FOR SELECT id FROM public.invoices; FETCH 1 FROM c;\n")
            self.session.stdin.flush()
            said = [self.session.stdout.readline().strip() for _ in range(3)]
            line("allowed", "33", "from a stolen copy", f"a session elsewhere holds a cursor on invoices: row {said[-1]}")
        self.job("3  Vendor maintenance: two tables of one PostgreSQL database, after a yes", self.vera, "maintenance",
                 ["tables=orders/public.invoices,orders/public.customers"], "window", reason="CHG-77", during=steal)
        try:
            said = self.session.communicate("FETCH 1 FROM c;\n", timeout=30)[0]
        except BrokenPipeError:
            said = self.session.stdout.read()
        cut = next((text for text in said.splitlines() if "terminating" in text or "closed" in text), said)
        again = subprocess.run(["psql", "-X", "-c", "SELECT 1"], env=self.harness.clean_env(stolen), capture_output=True, text=True).stderr
        self.ended(("the stolen session", cut.split(": ", 1)[-1].strip()), ("the stolen password", again.strip().split("FATAL: ")[-1].strip()))

        self.job("4  Rotate one secret: read and write exactly one path", self.rotator, "rotate", ["secret=prod/db/orders"], "rotate")
        self.ended()

        print(f"\n{styled('1', '5  An account with standing access: what it uses becomes a task type, and the rest goes')}")
        names = self.scan()
        server.load("deploy", "support", "vendor", "rotate", names["PROPOSED"])
        self.job("   Its work, as a task; and in the middle of it, the account loses what it holds", server.actor('ServiceAccount::"billing"', "billing"),
                 "billing-orders", ["tables=orders/public.invoices,orders/public.payments"], "billing", during=lambda _: self.replace(names))
        events = server.cli("ledger", "verify", "--store", server.store, "--json", check=False)
        self.ended(("the ledger", f"{events.json['size']} events verified from scratch" if events.returncode == 0 and "size" in events.json else events.stdout.strip()))
        self.take_back(names)

    def what_next(self):
        server = self.server
        print(f"\n{styled('1', 'The server is up')} at {server.url}, with everything in {server.dir}. Next, in another shell:\n")
        print(f"  export PATH={ROOT / 'build'}:$PATH REMIT_ADDR={server.url} REMIT_KEY_FILE={self.ci.key_file} REMIT_CLIENT_ID={self.ci.client_id}")
        for command, what in (("remit run deploy service=checkout environment=prod -- env | grep REMIT", "what a command is given"),
                              ("remit explain deploy service=checkout environment=prod", "what it could do, and who may start it"),
                              (f"REMIT_ADDR=unix:{server.socket} remit receipt {self.task}", "what the last one did, and how it ended"),
                              (f"remit ledger verify --store {server.store}", "that nobody rewrote the record"),
                              (f"less {ROOT}/catalogs/deploy/deploy.cedar", "what declares it")):
            print(f"  {command}  {styled('2', '# ' + what)}")
        print(f"\n{styled('2', 'Ctrl-C stops it and deletes everything.')}", flush=True)


def main():
    if len(sys.argv) > 1:
        return JOBS[sys.argv[1]](*sys.argv[2:])
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    os.environ.update(REMIT_BIN=REMIT, REMIT_SOURCE_DIR=str(ROOT))
    import harness
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    demo = Demo(harness)
    try:
        print(styled("1", "Remit gives a machine exactly the access that one task needs, for exactly as long as that task runs, and proves that it ended."), flush=True)
        demo.set_up()
        demo.show()
        if os.environ.get("ONCE") not in (None, "", "0"):
            return
        demo.what_next()
        demo.server.process.wait()
        print("the server ended by itself; its last lines:\n" + demo.server.stderr()[-2000:], file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print()
        sys.exit(130)
    finally:
        demo.close()


if __name__ == "__main__":
    main()
