"""A PostgreSQL server with an `orders` database, and Remit servers that let a vendor's engineer read two tables of it.

What a window may reach, and what else there is on the server that it must not: salaries, schema hr, database other, a SECURITY DEFINER
function. vera asks (an engineer of the vendor acme), dana agrees (a database administrator).
"""

import os
import re
import subprocess
import threading
import time

import harness
from harness import eventually

TABLES = ["orders/public.invoices", "orders/public.customers"]

POPULATE = r"""
CREATE DATABASE orders;
CREATE DATABASE other;
CREATE ROLE somebody LOGIN PASSWORD 'somebody';
\connect other
CREATE TABLE public.elsewhere (n int);
\connect orders
CREATE TABLE public.invoices (id int PRIMARY KEY, amount int);
INSERT INTO public.invoices SELECT n, n * 10 FROM generate_series(1, 1000) n;
CREATE TABLE public.customers (id int PRIMARY KEY, name text);
INSERT INTO public.customers VALUES (1, 'Ada');
CREATE TABLE public.salaries (id int, amount int);
INSERT INTO public.salaries VALUES (1, 1);
CREATE SCHEMA hr;
CREATE TABLE hr.people (n int);
CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.salaries';
"""


def make_postgres(*flags):
    """With SQLSTATEs in its log, so that a refusal can be told from another."""
    postgres = harness.Postgres("--set", "log_line_prefix=%m [%p] %e %u@%d/%a ", *flags)
    try:
        postgres.psql(POPULATE)
    except BaseException:
        postgres.close()
        raise
    return postgres


class Orders:
    """One installation on that server: catalog vendor in force, the target initialised, vera and dana signed in."""

    def __init__(self, postgres, user="remit", **settings):
        self.postgres = postgres
        self.server = harness.RemitServer(start=False)
        try:
            self.server.add_postgres_target("orders", postgres, "orders", user=user, password=f"{user}-password",
                                            tables=["public.invoices", "public.customers"], databases=["other"], **settings)
            self.server.start()
            self.server.load("vendor")
            self.init_sql = self.server.cli("target", "init", "postgres", "orders", "--config", self.server.config).stdout
            postgres.psql(self.init_sql, "orders")
            self.vera = self.server.person('Engineer::"vera"')
            self.dana = self.server.person('Employee::"dana"')
        except BaseException:
            self.server.close()
            raise

    def close(self):
        self.server.close()

    @property
    def installation(self):
        return self.server.cli("target", "list", "--json").json["installation"]

    # --- windows

    def request(self, tables=None, **fields):
        """vera asks; {task, token, holder, approval}."""
        answer = self.vera.api("POST", "/v1/tasks", {"type": "maintenance", "parameters": {"tables": tables or TABLES}, "reason": "CHG-1",
                                                     "from_text": False, **fields})
        assert answer.status == 201, str(answer)
        return answer.json

    def agree(self, approval):
        """dana reads what is asked and says yes to exactly that."""
        asked = self.dana.api("GET", "/v1/approvals")
        assert asked.status == 200, str(asked)
        found = [one for one in asked.json["approvals"] if one["id"] == approval]
        assert found, str(asked)
        answer = self.dana.api("POST", f"/v1/approvals/{approval}/approve", {"hash": found[0]["hash"]})
        assert answer.status == 200, str(answer)

    def window(self, tables=None, **fields):
        """A window that is open, with its credential live."""
        started = self.request(tables, **fields)
        self.agree(started["approval"])
        return Window(self, started)

    def credentials(self, task):
        return self.server.task(task)["credentials"]

    def receipt(self, task):
        return self.server.cli("receipt", task, "--json").json

    # --- what is at the server

    def roles(self):
        """The task roles of this installation."""
        return self.postgres.psql(f"SELECT rolname FROM pg_roles WHERE rolname ~ '^remit_{self.installation}_crd_[0-9a-z]{{26}}$'").lines

    def sweep(self):
        return self.server.cli("sweep", "--json").json["targets"]["orders"]


class Window:
    def __init__(self, orders, started):
        self.orders, self.postgres, self.started = orders, orders.postgres, started
        self.id, self.token, self.holder = started["task"]["id"], started["token"], started["holder"]
        eventually(self._live, what="the credential is live")
        answer = orders.server.api("GET", f"/v1/tasks/{self.id}/environment", bearer=self.holder)
        assert answer.status == 200, str(answer)
        self.env = answer.json["environment"]
        self.role, self.password = self.env["PGUSER"], self.env["PGPASSWORD"]

    def _live(self):
        task = self.orders.server.task(self.id)
        assert task["state"] == "active", task
        return task["credentials"] and all(one["state"] == "live" for one in task["credentials"])

    def psql(self, sql, **kwargs):
        """One psql that runs to its end, as the window's role."""
        return self.postgres.psql(sql, kwargs.pop("database", "orders"), self.role, self.password, **kwargs)

    def session(self, database="orders"):
        return Psql(self.postgres, database, self.role, self.password)

    def complete(self, wait="30s"):
        answer = self.orders.server.api("POST", f"/v1/tasks/{self.id}/complete", {"wait": wait}, bearer=self.holder)
        assert answer.status == 200, str(answer)
        return answer.json

    def refused(self):
        """The SQLSTATEs with which a psql that has the dead password is refused."""
        before = len(self.postgres.log_text())
        done = self.psql("SELECT 1", check=False)
        assert done.returncode == 2, done
        def states():
            return re.findall(rf"\[\d+\] (\w{{5}}) {self.role}@orders/\S* FATAL: ", self.postgres.log_text()[before:])
        return eventually(states, what=f"PostgreSQL's log says why {self.role} was refused")


class Psql:
    """A psql that stays open: say() answers what it printed, with errors as SQLSTATE and message."""

    def __init__(self, postgres, database="orders", user=None, password=None):
        env = {"PGCONNECT_TIMEOUT": "30", **({"PGPASSWORD": password} if password else {})}
        if postgres.sslrootcert:
            env.update(PGSSLMODE="verify-full", PGSSLROOTCERT=postgres.sslrootcert)
        self._out, self._count = "", 0
        self._more = threading.Condition()
        self.process = subprocess.Popen(["psql", "-X", "-A", "-t", "-v", "VERBOSITY=verbose", "-h", postgres.host, "-p", str(postgres.port), "-U",
                                         user or postgres.superuser, "-d", database], env=harness.clean_env(env), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.pid = int(self.say("SELECT pg_backend_pid();"))

    def _read(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            with self._more:
                self._out += data.decode(errors="replace")
                self._more.notify_all()
        with self._more:
            self._out += "\n<closed>\n"
            self._more.notify_all()

    def send(self, sql):
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()

    def say(self, sql, deadline=harness.LIMIT):
        self._count += 1
        mark = f"--said-{self._count}--"
        self.send(f"{sql}\n\\echo {mark}")
        limit = time.monotonic() + deadline
        with self._more:
            while mark + "\n" not in self._out:
                if "<closed>" in self._out or not self._more.wait(max(0.0, limit - time.monotonic())):
                    raise AssertionError(f"no answer to: {sql}\n{self._out}")
            said, self._out = self._out.split(mark + "\n", 1)
            return said.strip()

    def cut_off(self):
        """What PostgreSQL says to this session's next statement; it must have ended the session."""
        try:
            self.send("SELECT 'still here';\n\\q")
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        code = self.process.wait(harness.LIMIT)
        with self._more:
            self._more.wait_for(lambda: "<closed>" in self._out, harness.LIMIT)
            return code, self._out

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
