"""Real servers, real clients: what the end-to-end tests share.

    class MyTest(harness.Case):
        def test_something(self):
            server = self.server(catalogs=["deploy"])                  # remit init, remit serve, catalog and facts loaded
            ci = server.actor('Pipeline::"ci"')                        # a fresh key, registered; ci.env is what its commands need
            rita = server.person('Employee::"rita"')                   # registered and signed in
            run = server.cli("run", "deploy", "service=checkout", "environment=prod", "--", "true", env=ci.env)
            rita.cli("list").json
            status, body = server.api("GET", "/v1/tasks", bearer=ci.session())

Everything that a test starts is stopped and deleted when it ends, however it ends. Nothing here waits for a fixed time: eventually() and
the like poll a condition up to a generous limit, because the machine may be slow and busy.
"""

import atexit
import base64
import concurrent.futures
import http.client
import http.server
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
import urllib.parse

SOURCE = pathlib.Path(os.environ.get("REMIT_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[2])
BIN = os.environ.get("REMIT_BIN") or str(SOURCE / "build" / "remit")
LIMIT = 60.0  # seconds until a condition that should hold soon counts as broken

OPERATOR = "operator"  # for Server.api(bearer=…): over the unix socket, as the server's own user

_living = []  # processes to kill when Python goes


@atexit.register
def _kill_all():
    for process in _living:
        if process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def eventually(condition, deadline=LIMIT, what=None, every=0.05):
    """Polls `condition` until it gives something true, and gives that back. AssertionError after `deadline` seconds, with what it gave last."""
    limit = time.monotonic() + deadline
    while True:
        last = condition()
        if last:
            return last
        if time.monotonic() >= limit:
            raise AssertionError(f"not within {deadline:g} s: {what or getattr(condition, '__name__', 'the condition')}; last: {last!r}")
        time.sleep(every)


def free_port():
    """A TCP port that was free a moment ago. Outside the range from which the kernel takes ports of clients, so that none sits on it."""
    for _ in range(200):
        port = 10000 + secrets.randbelow(10000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def temp_dir(prefix="remit-e2e-"):
    """A short path: unix sockets have at most 107 bytes."""
    return tempfile.mkdtemp(prefix=prefix, dir="/tmp")


def clean_env(extra=None):
    """This process's environment without what would tell a command who is calling, and with `extra`; a value of None takes a name away."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("REMIT_", "PG", "XDG_CONFIG")) and k not in ("NO_COLOR", "CREDENTIALS_DIRECTORY")}
    env["HOME"] = "/nonexistent"
    for name, value in (extra or {}).items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


class Completed(subprocess.CompletedProcess):
    """What a command did, as text."""

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def lines(self):
        return self.stdout.splitlines()

    def __str__(self):
        return f"{self.args}\nexit {self.returncode}\nstdout: {self.stdout}\nstderr: {self.stderr}"


def run(*args, env=None, check=True, input=None, timeout=120, cwd=None, preexec_fn=None):
    """Runs `remit ARGS…` to its end. With `check`, an exit code other than 0 is an AssertionError with everything that it said."""
    done = subprocess.run([BIN, *map(str, args)], env=clean_env(env), capture_output=True, text=True, input=input, timeout=timeout, cwd=cwd or "/",
                          stdin=subprocess.DEVNULL if input is None else None, preexec_fn=preexec_fn)
    result = Completed(done.args, done.returncode, done.stdout, done.stderr)
    if check and result.returncode != 0:
        raise AssertionError(str(result))
    return result


def commands_in(help):
    """The commands that a help lists: [(title of the group, names)]. None where the command has no others below it."""
    groups = re.findall(r"^([A-Z][a-z ]+):\n((?:  .*\n)+)", help, re.M)
    return [(title, re.findall(r"^  ([a-z][a-z-]*)\s", lines, re.M)) for title, lines in groups if title not in ("Positionals", "Options", "Everywhere", "Example")]


def popen(*args, env=None, **kwargs):
    """Starts `remit ARGS…` in a process group of its own; stdout and stderr are pipes of text unless said otherwise."""
    kwargs.setdefault("stdout", subprocess.PIPE)
    kwargs.setdefault("stderr", subprocess.PIPE)
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    process = subprocess.Popen([BIN, *map(str, args)], env=clean_env(env), text=True, start_new_session=True, **kwargs)
    _living.append(process)
    return process


def kill_group(process):
    """SIGKILL to a process of popen() and its group, if it is still there."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
    for pipe in (process.stdout, process.stderr, process.stdin):
        if pipe:
            pipe.close()


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __iter__(self):  # status, json = server.api(…)
        yield self.status
        yield json.loads(self.body) if self.body and "json" in self.headers.get("content-type", "") else self.body

    def __str__(self):
        return f"{self.status} {self.body[:2000]!r}"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Http:
    """One connection, kept open, over TCP or a unix socket; for one thread at a time."""

    def __init__(self, port=None, socket_path=None, host="127.0.0.1", timeout=90, tls=None):
        if socket_path:
            self._connection = _UnixConnection(socket_path, timeout)
        elif tls:
            self._connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=tls)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=timeout)

    def call(self, method, path, body=None, bearer=None, headers=None, form=None):
        """`body` is sent as JSON, or as it stands when it is bytes; `form` is a dict, sent as a form."""
        all_headers = dict(headers or {})
        data = None
        if form is not None:
            data = urllib.parse.urlencode(form).encode()
            all_headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif isinstance(body, bytes):
            data = body
        elif body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            all_headers.setdefault("Content-Type", "application/json")
        if bearer:
            all_headers["Authorization"] = f"Bearer {bearer}"
        self._connection.request(method, path, data, all_headers)
        answer = self._connection.getresponse()
        return Response(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())

    def close(self):
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Actor:
    """A registered actor with a key of its own."""

    def __init__(self, server, uid, client_id, key_file):
        self.server, self.uid, self.client_id, self.key_file = server, uid, client_id, key_file
        self._session = None

    @property
    def env(self):
        """What commands need to be this actor, over TCP."""
        return {"REMIT_ADDR": self.server.url, "REMIT_KEY_FILE": self.key_file, "REMIT_CLIENT_ID": self.client_id}

    def cli(self, *args, **kwargs):
        kwargs["env"] = {**self.env, **(kwargs.get("env") or {})}
        return run(*args, **kwargs)

    def session(self):
        """An opaque handle (rma_…) from the token endpoint, good for 15 minutes; the same one each time."""
        if self._session is None:
            answer = self.server.token(self)
            assert answer.status == 200, str(answer)
            self._session = answer.json["access_token"]
        return self._session

    def api(self, method, path, body=None, **kwargs):
        return self.server.api(method, path, body, bearer=self.session(), **kwargs)


class Person:
    """A registered person, signed in, whose session lies in a config folder of its own."""

    def __init__(self, server, uid, config_home):
        self.server, self.uid, self.config_home = server, uid, config_home

    @property
    def env(self):
        return {"REMIT_ADDR": self.server.url, "XDG_CONFIG_HOME": self.config_home}

    def cli(self, *args, **kwargs):
        kwargs["env"] = {**self.env, **(kwargs.get("env") or {})}
        return run(*args, **kwargs)

    def session(self):
        """The handle (rmp_…)."""
        return (pathlib.Path(self.config_home) / "remit" / "session").read_text().strip()

    def api(self, method, path, body=None, **kwargs):
        return self.server.api(method, path, body, bearer=self.session(), **kwargs)


class RemitServer:
    """`remit serve` as a real process, on a folder of its own: remit.toml, master.key, data/remit.db, remit.sock, stderr.

    start=False only makes the folder; `toml` is appended to remit.toml; `replace` is {"setting = as written by init": "what stands there instead"}.
    """

    def __init__(self, catalogs=(), facts=True, toml="", replace=None, start=True, env=None):
        self.dir = temp_dir()
        os.chmod(self.dir, 0o755)
        self.socket = f"{self.dir}/remit.sock"
        self.config = f"{self.dir}/etc/remit.toml"
        self.data = f"{self.dir}/data"
        self.store = f"{self.data}/remit.db"
        self.stderr_file = f"{self.dir}/stderr"
        self.env = env or {}
        self.process = None
        self.tls = None  # an ssl.SSLContext, where remit.toml names a certificate
        self._people = 0
        self._started = False  # from then on it keeps its port
        self.port = free_port()
        try:
            run("init", f"{self.dir}/etc", "--data-dir", self.data, "--socket", self.socket, "--listen", f"127.0.0.1:{self.port}")
            for old, new in (replace or {}).items():
                self.edit(old, new)
            if toml:
                self.append(toml)
            if start:
                self.start()
                if catalogs:
                    self.load(*catalogs, facts=facts)
        except BaseException:
            self.close()  # nobody else knows of it yet
            raise

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def operator_env(self):
        return {"REMIT_ADDR": f"unix:{self.socket}"}

    # --- remit.toml

    def edit(self, old, new):
        text = pathlib.Path(self.config).read_text()
        assert old in text, f"remit.toml has no `{old}`"
        pathlib.Path(self.config).write_text(text.replace(old, new))

    def append(self, toml):
        with open(self.config, "a") as file:
            file.write(f"\n{toml}\n")

    def add_postgres_target(self, name, postgres, database, user="remit", password="remit-password", **settings):
        """A [targets.NAME] table and its password file. `settings` are written as TOML: strings, numbers, booleans, lists of strings."""
        password_file = f"{self.dir}/etc/{name}.password"
        with open(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(password + "\n")
        table = {"type": "postgres", "host": postgres.host, "port": postgres.port, "database": database, "user": user, "password_file": password_file}
        if postgres.sslrootcert:
            table.update(sslmode="verify-full", sslrootcert=postgres.sslrootcert)
        table.update(settings)
        self.append(f"[targets.{name}]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in table.items()))

    # --- the process

    def launch(self, *flags, preexec_fn=None):
        """Starts the process and does not wait for it."""
        with open(self.stderr_file, "a") as stderr:
            self.process = popen("serve", "--config", self.config, *flags, env=self.env, stdout=subprocess.DEVNULL, stderr=stderr,
                                 preexec_fn=preexec_fn)
        return self.process

    def start(self, *flags, deadline=LIMIT, preexec_fn=None):
        """Starts the process, and waits until it answers /readyz."""
        for attempt in range(5):
            before = len(self.stderr())
            self.launch(*flags, preexec_fn=preexec_fn)
            try:
                eventually(self._ready_or_gone, deadline, "the server is ready")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.stderr()}") from None
            if self.process.poll() is None:
                self._started = True
                return self
            said = self.stderr()[before:]
            if "somebody else listens" not in said or attempt == 4 or self._started:
                raise AssertionError(f"remit serve ended with {self.process.returncode}:\n{said}")
            old, self.port = self.port, free_port()  # somebody was faster
            self.edit(f"port = {old}\n", f"port = {self.port}\n")
        return self

    def _ready_or_gone(self):
        if self.process.poll() is not None:
            return True
        try:
            with Http(socket_path=self.socket, timeout=5) as local, Http(port=self.port, timeout=5, tls=self.tls) as tcp:
                answers = [connection.call("GET", "/readyz") for connection in (local, tcp)]
                # A new server is not ready until it has a catalog, which a test may load when it likes.
                return all(answer.status == 200 or "no catalog is loaded" in answer.body for answer in answers)
        except (OSError, http.client.HTTPException):
            return False

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, deadline=LIMIT):
        """SIGTERM, and the exit code."""
        if not self.running():
            return self.process.returncode if self.process else None
        self.process.terminate()
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            kill_group(self.process)
            raise AssertionError(f"the server did not stop within {deadline:g} s\n{self.stderr()}") from None

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def restart(self, *flags, hard=False):
        """On the same data and port, after SIGTERM or kill -9."""
        self.kill() if hard else self.stop()
        return self.start(*flags)

    def stderr(self):
        """Everything that it wrote to stderr, over all its starts."""
        try:
            return pathlib.Path(self.stderr_file).read_text()
        except FileNotFoundError:
            return ""

    def close(self):
        if self.process is not None:
            kill_group(self.process)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- commands

    def cli(self, *args, **kwargs):
        """A command as the operator (the server's own user on the unix socket), or as whoever `env` says: actor.env, person.env, or
        {"REMIT_TOKEN": …}."""
        kwargs["env"] = {**self.operator_env, **(kwargs.get("env") or {})}
        return run(*args, **kwargs)

    def load(self, *catalogs, facts=True):
        """Puts catalogs in force, together: names below catalogs/, or folders."""
        folders = [c if os.path.isdir(str(c)) else SOURCE / "catalogs" / c for c in catalogs]
        return self.cli("catalog", "load", *folders, *(["--with-facts"] if facts else []), "--json").json

    def actor(self, uid, client_id=None):
        """Registers an actor with a fresh key."""
        client_id = client_id or re.sub(r"[^a-zA-Z0-9_-]+", "-", uid).strip("-")
        key = f"{self.dir}/{secrets.token_hex(4)}.key"
        public = run("actor", "key", key).stdout
        pathlib.Path(f"{key}.pub").write_text(public)
        self.cli("actor", "put", uid, "--client-id", client_id, "--key", f"{key}.pub")
        return Actor(self, uid, client_id, key)

    def person(self, uid, sign_in=True):
        """Registers a person, and signs them in with a link."""
        self._people += 1
        person = Person(self, uid, f"{self.dir}/people/{self._people}")
        os.makedirs(person.config_home, 0o700)
        self.cli("person", "put", uid, "--name", uid.split('"')[1] if '"' in uid else uid)
        if sign_in:
            self.sign_in(person)
        return person

    def sign_in(self, person):
        code = self.cli("person", "link", person.uid, "--json").json["code"]
        person.cli("sign-in", input=code + "\n")

    # --- HTTP

    def connect(self, unix=False, timeout=90):
        return Http(socket_path=self.socket, timeout=timeout) if unix else Http(port=self.port, timeout=timeout)

    def api(self, method, path, body=None, bearer=None, unix=False, **kwargs):
        """One call on a connection of its own. bearer=OPERATOR: over the unix socket, as the server's own user."""
        if bearer == OPERATOR:
            bearer, unix = None, True
        with self.connect(unix) as connection:
            return connection.call(method, path, body, bearer, **kwargs)

    def token(self, actor, **form):
        """The token endpoint, with the actor's key (private_key_jwt)."""
        return self.api("POST", "/token", form={
            "grant_type": "client_credentials", "client_id": actor.client_id,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": client_assertion(actor.key_file, actor.client_id, self.url), **form})

    def start_task(self, actor, type, parameters=None, **fields):
        """POST /v1/tasks as an actor: {task, token, holder, environment, …}."""
        answer = actor.api("POST", "/v1/tasks", {"type": type, "parameters": parameters or {}, **fields})
        assert answer.status == 201, str(answer)
        return answer.json

    def complete(self, started, wait="5s"):
        """Completes what start_task gave, with its holder key."""
        answer = self.api("POST", f"/v1/tasks/{started['task']['id']}/complete", {"wait": wait}, bearer=started["holder"])
        assert answer.status == 200, str(answer)
        return answer.json

    def task(self, id):
        """GET /v1/tasks/{id}, as the operator."""
        answer = self.api("GET", f"/v1/tasks/{id}", bearer=OPERATOR)
        assert answer.status == 200, str(answer)
        return answer.json

    def verify_ledger(self, *flags, check=True):
        return self.cli("ledger", "verify", "--store", self.store, *flags, "--json", check=check)


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def client_assertion(key_file, client_id, issuer, **claims):
    """A signed private_key_jwt (RFC 7523), ES256."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    key = serialization.load_pem_private_key(pathlib.Path(key_file).read_bytes(), None)
    now = int(time.time())
    payload = {"iss": client_id, "sub": client_id, "aud": issuer, "jti": secrets.token_hex(16), "iat": now, "exp": now + 60, **claims}
    signed = f"{b64url(json.dumps({'alg': 'ES256', 'typ': 'JWT'}).encode())}.{b64url(json.dumps(payload).encode())}"
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class WebServer:
    """A small HTTP server of the tests, on a thread of this process. `handle` takes (method, path, headers, body) and gives (status, JSON)."""

    def __init__(self, handle):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    status, document = handle(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                except Exception as error:  # the client should see it, and the test with it
                    status, document = 500, {"error": repr(error)}
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Postgres:
    """A throw-away PostgreSQL server (tests/support/postgres.sh). It goes when this process goes, however it goes."""

    def __init__(self, *flags):
        self.dir = temp_dir("remit-pg-")
        self._flags = flags
        self.start()

    def start(self):
        """Starts it; again on the same port and data after stop()."""
        done = subprocess.run([SOURCE / "tests/support/postgres.sh", "start", self.dir, "--with", str(os.getpid()), *self._flags], env=clean_env(),
                              capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr
        facts = dict(line.split("=", 1) for line in done.stdout.splitlines())
        self.host, self.port = facts["host"], int(facts["port"])
        self.superuser, self.sockdir, self.log, self.data = facts["superuser"], facts["sockdir"], facts["log"], facts["data"]
        self.sslrootcert = facts.get("sslrootcert")
        return self

    def stop(self):
        """Stops it at once, as a crash would, and keeps its data."""
        subprocess.run([SOURCE / "tests/support/postgres.sh", "stop", self.dir], env=clean_env(), check=True, capture_output=True, timeout=120)

    def psql(self, sql, database="postgres", user=None, password=None, check=True, env=None):
        """Runs SQL with psql, unaligned and without headers; as the superuser unless said otherwise."""
        extra = {"PGCONNECT_TIMEOUT": "20", **({"PGPASSWORD": password} if password else {}), **(env or {})}
        if self.sslrootcert:
            extra.update(PGSSLMODE="verify-full", PGSSLROOTCERT=self.sslrootcert)
        done = subprocess.run(["psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.host, "-p", str(self.port), "-U", user or self.superuser,
                               "-d", database, "-f", "-"], env=clean_env(extra), input=sql, capture_output=True, text=True, timeout=120)
        result = Completed(done.args, done.returncode, done.stdout, done.stderr)
        if check and result.returncode != 0:
            raise AssertionError(f"{sql}\n{result}")
        return result

    def log_text(self):
        return pathlib.Path(self.log).read_text(errors="replace")

    def close(self):
        subprocess.run([SOURCE / "tests/support/postgres.sh", "remove", self.dir], env=clean_env(), capture_output=True, timeout=120)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Case(unittest.TestCase):
    """A test that makes servers; they are gone when it ends, and when it failed their stderr is shown."""

    maxDiff = None

    def server(self, *args, **kwargs):
        server = RemitServer(*args, **kwargs)
        self.addCleanup(self._close, server)
        return server

    def without_budgets(self, catalog):
        """A copy of a ready-made catalog whose tasks may be started as often as a test likes: its folder."""
        folder = pathlib.Path(temp_dir())
        self.addCleanup(shutil.rmtree, folder, True)
        shutil.copytree(SOURCE / "catalogs" / catalog, folder / catalog)
        taken = 0
        for schema in (folder / catalog).glob("*.cedarschema"):
            text, here = re.subn(r"@max_(starts|active)\(.*\)\n", "", schema.read_text())
            schema.write_text(text)
            taken += here
        assert taken, f"catalog {catalog} has no budgets"
        return folder / catalog

    def postgres(self, *flags):
        postgres = Postgres(*flags)
        self.addCleanup(postgres.close)
        return postgres

    def _close(self, server):
        outcome = getattr(self, "_outcome", None)
        if outcome is not None and not outcome.success:
            print(f"--- stderr of the server of {self.id()}, its last lines:\n{server.stderr()[-6000:]}---", file=sys.stderr)
        server.close()

    def web(self, handle):
        server = WebServer(handle)
        self.addCleanup(server.close)
        return server

    def script(self, text):
        """A Python program in a file of its own, to be run by a command: [sys.executable, path]."""
        folder = temp_dir()
        self.addCleanup(shutil.rmtree, folder, True)
        path = f"{folder}/client.py"
        pathlib.Path(path).write_text(textwrap.dedent(text))
        return path

    def start(self, *args, **kwargs):
        """popen(), killed when the test ends."""
        process = popen(*args, **kwargs)
        self.addCleanup(kill_group, process)
        return process


def in_parallel(calls, workers):
    """Calls each function of `calls` on `workers` threads; their results, in order. The first exception is raised."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def main():
    unittest.main(verbosity=2)
