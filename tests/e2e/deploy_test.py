"""CI deploy: a pipeline may deploy one service to one environment, and a resource server that only knows Remit's public keys holds it to that.

The resource server below is an ordinary one: it verifies ES256 access tokens (RFC 9068) with the keys from /jwks, and reads what the token
permits from its `authorization_details` (RFC 9396). One kind asks Remit whether the token is still active (RFC 7662), the other works offline.
"""

import base64
import hashlib
import json
import pathlib
import sys
import time

import harness
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from harness import OPERATOR, b64url, b64url_decode, eventually


def es256_holds(jws, key):
    head, payload, signature = jws.split(".")
    raw = b64url_decode(signature)
    if len(raw) != 64:
        return False
    x, y = (int.from_bytes(b64url_decode(key[c]), "big") for c in "xy")
    try:
        ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key().verify(
            utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")), f"{head}.{payload}".encode(),
            ec.ECDSA(hashes.SHA256()))
        return True
    except InvalidSignature:
        return False


def event_leaf(index, salt, body):
    """A salted commitment to the event and its place, as a leaf of RFC 9162."""
    commitment = hashlib.sha256(b"remit event v1\0" + index.to_bytes(8, "big") + bytes([len(salt)]) + salt + body).digest()
    return hashlib.sha256(b"\0" + commitment).digest()


def root_from_path(leaf, index, size, path):
    """RFC 9162 §2.1.3.2."""
    node, last, hashed = index, size - 1, leaf
    for step in path:
        assert last > 0
        if node % 2 == 1 or node == last:
            hashed = hashlib.sha256(b"\x01" + step + hashed).digest()
            while node % 2 == 0 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            hashed = hashlib.sha256(b"\x01" + hashed + step).digest()
        node, last = node >> 1, last >> 1
    assert last == 0
    return hashed


class Refused(Exception):
    pass


class DeployServer:
    """Accepts POST /deploy {service, environment} with a bearer token. `ask` is the actor as whom it introspects, or None: offline."""

    def __init__(self, test, remit, ask=None):
        self.remit, self.ask = remit, ask
        self.web = test.web(self.handle)
        self.audience = self.web.url
        self.keys = {key["kid"]: key for key in remit.api("GET", "/jwks").json["keys"]}

    def handle(self, method, path, headers, body):
        try:
            asked = json.loads(body)
            self.authorize(headers.get("authorization", "").removeprefix("Bearer "), asked["service"], asked["environment"])
            return 200, {"deployed": asked}
        except Refused as why:
            return 403, {"refused": str(why)}

    def verify(self, token):
        """RFC 9068 §4."""
        parts = token.split(".")
        if len(parts) != 3:
            raise Refused("not a JWT")
        header = json.loads(b64url_decode(parts[0]))
        if header.get("typ") not in ("at+jwt", "application/at+jwt"):
            raise Refused("typ")
        if header.get("alg") != "ES256" or header.get("kid") not in self.keys:
            raise Refused("alg or kid")
        key = self.keys[header["kid"]]
        if (key["kty"], key["crv"], key.get("alg", "ES256"), key.get("use", "sig")) != ("EC", "P-256", "ES256", "sig"):
            raise Refused("key")
        if not es256_holds(token, key):
            raise Refused("signature")
        claims = json.loads(b64url_decode(parts[1]))
        if claims["iss"] != self.remit.url:
            raise Refused("iss")
        if claims["aud"] != self.audience and claims["aud"] != [self.audience]:
            raise Refused("aud")
        if time.time() >= claims["exp"]:
            raise Refused("exp")
        for name in ("sub", "client_id", "iat", "jti"):
            if name not in claims:
                raise Refused(f"no {name}")
        return claims

    def authorize(self, token, service, environment):
        claims = self.verify(token)
        if self.ask is not None:
            with self.remit.connect() as connection:
                answer = connection.call("POST", "/introspect", form={"token": token}, bearer=self.ask.session())
            if answer.status != 200 or answer.json.get("active") is not True:
                raise Refused("inactive")
            claims = answer.json
        permissions = [p for detail in claims["authorization_details"] if detail["type"] == "remit_task" for p in detail["permissions"]]
        for action, resource in (('Action::"deploy"', f'Application::"{service}"'), ('Action::"deploy.to"', f'Environment::"{environment}"')):
            if not any(p["action"] == action and p.get("resource") == resource and not p.get("when") and not p.get("obligations")
                       for p in permissions):
                raise Refused(f"{action} on {resource}")


# What a pipeline would run: gets its token for the deploy server, and tries more than it should.
CLIENT = r"""
import json, os, subprocess, sys, urllib.request
remit, out, *servers = sys.argv[1:]
answers = {"environment": sorted(k for k in os.environ if k.startswith("REMIT_"))}
for server in servers:
    name, url = server.split("=", 1)
    command = [remit, "token", "--audience", url] + (["--offline"] if name == "offline" else [])
    token = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    answers[name + ".token"] = token
    def deploy(service, environment, bearer=token):
        request = urllib.request.Request(url + "/deploy", json.dumps({"service": service, "environment": environment}).encode(),
                                         {"Content-Type": "application/json", "Authorization": "Bearer " + bearer})
        try:
            return urllib.request.urlopen(request).status, ""
        except urllib.error.HTTPError as error:
            return error.code, json.load(error).get("refused")
    answers[name] = [deploy(*asked) for asked in [("checkout", "prod"), ("billing", "prod"), ("checkout", "staging"), ("checkout", "prod-eu")]]
    answers[name + ".handle"] = deploy("checkout", "prod", os.environ["REMIT_TOKEN"])
json.dump(answers, open(out, "w"))
sys.exit(7)
"""


def post(server, token, service="checkout", environment="prod"):
    """What the resource server says now."""
    try:
        server.authorize(token, service, environment)
        return "accepted"
    except Refused as why:
        return str(why)


def forged(token, **header):
    """The same claims under another header, without a signature that fits."""
    head, payload, signature = token.split(".")
    changed = {**json.loads(b64url_decode(head)), **header}
    return f"{b64url(json.dumps(changed).encode())}.{payload}.{'' if changed['alg'] == 'none' else signature}"


class Deploy(harness.Case):
    def setUp(self):
        self.remit = self.server(catalogs=["deploy"])
        self.ci = self.remit.actor('Pipeline::"ci"')

    def run_client(self, *servers):
        """`remit run deploy … -- client`: (the run, what the client saw)."""
        out = self.script("") + ".json"
        run = self.ci.cli("run", "deploy", "service=checkout", "environment=prod", "--reason", "CHG-77", "--", sys.executable, self.script(CLIENT),
                          harness.BIN, out, *servers, check=False)
        self.assertEqual(run.returncode, 7, str(run))  # the client's own
        return run, json.loads(pathlib.Path(out).read_text())

    def ended_task(self):
        tasks = self.remit.cli("list", "--state", "ended", "--json").json["tasks"]
        self.assertEqual(len(tasks), 1)
        return tasks[0]["id"]

    def test_its_service_its_environment_and_nothing_else(self):
        asking = DeployServer(self, self.remit, ask=self.remit.actor('Pipeline::"deploy-server"'))
        run, saw = self.run_client(f"asking={asking.audience}")
        self.assertEqual(saw["environment"], ["REMIT_ADDR", "REMIT_TASK", "REMIT_TOKEN"])  # neither its key nor its client id
        self.assertEqual(saw["asking"],
                         [[200, ""], [403, 'Action::"deploy" on Application::"billing"'], [403, 'Action::"deploy.to" on Environment::"staging"'],
                                         [403, 'Action::"deploy.to" on Environment::"prod-eu"']])
        self.assertEqual(saw["asking.handle"], [403, "not a JWT"])

        # Over: by introspection, by the server's decision, and by what `remit run` said last.
        token = saw["asking.token"]
        self.assertEqual(asking.verify(token)["client_id"], 'Pipeline::"ci"')  # its signature and time still hold, which is why one asks
        self.assertEqual(post(asking, token), "inactive")
        self.assertEqual(self.remit.api("POST", "/introspect", form={"token": token}, bearer=OPERATOR).json, {"active": False})
        task = self.ended_task()
        check = self.remit.cli("check", task, "deploy", 'Application::"checkout"', "--json", check=False)
        self.assertEqual((check.returncode, check.json["allowed"]), (3, False))
        said = run.stderr.splitlines()
        self.assertIn("service=checkout", said[0])
        self.assertIn(f"remit receipt {task}", run.stderr)
        self.assertEqual(said[-1], "remit: REMIT_TOKEN is dead: asked with it, the server refuses")
        self.assertLessEqual(len(said), 6, run.stderr)

        # Another server's token, a changed token, another's key: refused.
        other = DeployServer(self, self.remit)
        started = self.remit.start_task(self.ci, "deploy", {"service": "checkout", "environment": "prod"}, from_text=True)
        mine = self.remit.cli("token", "--audience", asking.audience, env={"REMIT_TOKEN": started["token"]}).stdout.strip()
        self.assertEqual(post(asking, mine), "accepted")
        self.assertEqual(post(other, mine), "aud")
        self.assertEqual(post(asking, forged(mine, alg="none")), "alg or kid")
        self.assertEqual(post(asking, forged(mine, typ="JWT")), "typ")
        self.assertEqual(post(asking, mine[:-6] + ("AAAAAA" if mine[-6:] != "AAAAAA" else "BBBBBB")), "signature")
        # Remit's own API takes no token made for others.
        self.assertEqual(self.remit.api("GET", "/v1/whoami", bearer=mine).status, 401)
        self.remit.complete(started)
        self.assertEqual(post(asking, mine), "inactive")

    def test_an_offline_token_says_until_when_and_then_is_dead(self):
        offline = DeployServer(self, self.remit)
        run, saw = self.run_client(f"offline={offline.audience}")
        self.assertEqual([status for status, _ in saw["offline"]], [200, 403, 403, 403])
        token = saw["offline.token"]
        claims = offline.verify(token)
        self.assertLessEqual(claims["exp"] - claims["iat"], 60)
        task = self.ended_task()

        # Remit itself refuses from the commit on; who does not ask goes on until `exp`, and Remit says so instead of claiming that it is over.
        self.assertEqual(self.remit.api("POST", "/introspect", form={"token": token}, bearer=OPERATOR).json, {"active": False})
        self.assertEqual(self.remit.cli("check", task, "deploy", 'Application::"checkout"', "--json", check=False).json["allowed"], False)
        self.assertRegex(run.stderr, r"(?m)^remit: offline token for \S+ can be accepted until .*\d\d:\d\d:\d\d by servers that do not ask Remit")
        self.assertNotRegex(self.remit.stderr(), r"(?i)warn.* is not dead yet: offline")
        credential = self.remit.task(task)["credentials"][0]
        if credential["state"] == "ending":  # unless this machine slept for a minute
            self.assertRegex(credential["last_error"], r"^offline until 20\d\d-")
            receipt = self.ci.cli("receipt", task, "--json").json
            self.assertFalse(receipt["all_dead"])
            self.assertRegex(self.ci.cli("receipt", task).stdout, r"token-offline at token: ending \(can be accepted offline until .*\d\d:\d\d:\d\d\)|: dead")
        kept = f"{self.remit.dir}/checkpoint"
        pathlib.Path(kept).write_text(self.remit.cli("ledger", "checkpoint").stdout)

        def dead():
            one = self.remit.task(task)["credentials"][0]
            return one["state"] == "dead" and one
        credential = eventually(dead, deadline=110, every=1)
        self.assertGreaterEqual(time.time(), claims["exp"])  # not a moment before others stop accepting it
        self.assertEqual(post(offline, token), "exp")
        self.assertIn("expired", [one["step"] for one in credential["evidence"]])

        self.check_receipt(task)
        for flags in ([], ["--against", kept]):
            report = self.remit.verify_ledger(*flags).json
            self.assertTrue(report["ok"], report)
        self.assertTrue(report["complete"])

    def check_receipt(self, task):
        """Verifies the receipt as somebody would who has only the public keys: its signature, and the end's proof of inclusion (RFC 9162)."""
        receipt = self.ci.cli("receipt", task, "--json").json
        self.assertTrue(receipt["all_dead"])
        self.assertEqual(receipt["task"]["reason"], "CHG-77")
        self.assertEqual(receipt["task"]["parameters"]["service"], {"__entity": {"type": "Application", "id": "checkout"}})
        self.assertEqual({(p["action"], p["resource"]) for p in receipt["permissions"]},
                         {('Action::"deploy"', 'Application::"checkout"'), ('Action::"deploy.to"', 'Environment::"prod"')})
        verifier = DeployServer(self, self.remit)
        header = json.loads(b64url_decode(receipt["jws"].split(".")[0]))
        self.assertEqual(header["typ"], "remit-receipt+jwt")
        with self.assertRaises(Refused) as why:
            verifier.verify(receipt["jws"])  # a receipt is no access token
        self.assertEqual(str(why.exception), "typ")
        self.assertNotIn(header["kid"], verifier.keys)  # nor would its signature be one
        keys = {key["kid"]: key for key in self.remit.api("GET", "/jwks/receipts").json["keys"]}
        self.assertTrue(es256_holds(receipt["jws"], keys[header["kid"]]))
        self.assertEqual(json.loads(b64url_decode(receipt["jws"].split(".")[1])), {k: v for k, v in receipt.items() if k != "jws"})

        proof = receipt["proof"]
        _, size, root = proof["checkpoint"].split("\n")[:3]
        leaf = bytes.fromhex(proof["leaf"])
        self.assertEqual(json.loads(proof["event"])["task"], task)
        self.assertEqual(event_leaf(proof["index"], bytes.fromhex(proof["salt"]), proof["event"].encode()), leaf)
        self.assertEqual(root_from_path(leaf, proof["index"], int(size), [bytes.fromhex(h) for h in proof["path"]]), base64.b64decode(root))

    def test_by_the_token_endpoint_alone(self):
        """A client that knows OAuth and nothing of Remit: client credentials with authorization details (RFC 9396) and a resource (RFC 8707)."""
        asking = DeployServer(self, self.remit, ask=self.remit.actor('Pipeline::"deploy-server"'))

        def ask(actor=self.ci, task_type="deploy", parameters=None, **form):
            detail = {"type": "remit_task", "task_type": task_type, "parameters": parameters or {"service": "checkout", "environment": "prod"}}
            return self.remit.token(actor, **{"authorization_details": json.dumps([detail]), "resource": asking.audience, **form})
        answer = ask()
        self.assertEqual((answer.status, answer.headers["cache-control"]), (200, "no-store"), str(answer))
        granted = answer.json
        self.assertEqual(granted["token_type"], "Bearer")
        token = granted["access_token"]
        self.assertEqual([post(asking, token), post(asking, token, "billing"), post(asking, token, environment="staging")],
                         ["accepted", 'Action::"deploy" on Application::"billing"', 'Action::"deploy.to" on Environment::"staging"'])
        ended = self.remit.api("POST", f"/v1/tasks/{granted['remit_task']}/complete", {}, bearer=granted["remit_holder_key"])
        self.assertEqual(ended.status, 200, str(ended))
        self.assertEqual(post(asking, token), "inactive")

        # Refused in OAuth's own words; and what is refused has started nothing.
        stranger = self.remit.actor('Pipeline::"stranger"')
        for answer, status, error in [(ask(task_type="deploj"), 400, "invalid_authorization_details"),
                                      (ask(parameters={"service": "checkout"}), 400, "invalid_authorization_details"),
                                      (ask(authorization_details='[{"type": "openid"}]'), 400, "invalid_authorization_details"),
                                      (ask(resource="deploy"), 400, "invalid_target"),
                                      (ask(scope="all"), 400, "invalid_scope"), (ask(grant_type="password"), 400, "unsupported_grant_type"),
                                      (ask(client_assertion="x.y.z"), 401, "invalid_client"),
                                      (ask(actor=stranger), 400, "invalid_authorization_details")]:
            self.assertEqual((answer.status, answer.json["error"]), (status, error), str(answer))
        once = harness.client_assertion(self.ci.key_file, self.ci.client_id, self.remit.url)
        self.assertEqual([ask(client_assertion=once).status for _ in range(2)], [200, 401])  # an assertion is good once
        self.assertEqual(len(self.remit.api("GET", "/v1/tasks", bearer=OPERATOR).json["tasks"]), 1)

    def test_a_strict_environment_waits_for_a_yes(self):
        rita = self.remit.person('Employee::"rita"')
        run = self.start("run", "deploy", "service=checkout", "environment=prod-eu", "--", "sh", "-c", "echo deployed", env=self.ci.env)
        waiting = eventually(lambda: rita.cli("approvals", "--json").json["approvals"])
        self.assertEqual(waiting[0]["kind"], "start")
        self.assertIsNone(run.poll())
        rita.cli("approve", waiting[0]["id"])
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out), (0, "deployed\n"), err)
        receipt = self.remit.cli("receipt", self.ended_task(), "--json").json
        self.assertEqual([yes["person"] for yes in receipt["task"]["approvals"]], ['Employee::"rita"'])

    def test_a_no_is_a_no(self):
        rita = self.remit.person('Employee::"rita"')
        run = self.start("run", "deploy", "service=checkout", "environment=prod-eu", "--", "sh", "-c", "echo deployed", env=self.ci.env)
        waiting = eventually(lambda: rita.cli("approvals", "--json").json["approvals"])
        rita.cli("deny", waiting[0]["id"], "--why", "freeze")
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out), (7, ""), err)


if __name__ == "__main__":
    harness.main()
