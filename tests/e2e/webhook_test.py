"""People are told: a real receiver, in a process of its own, that fails first, is away, and lies."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import time

import harness
from harness import eventually

# Answers with the status in a file, and keeps every request as a line of JSON in another. 302 leads to a second port, which must stay silent.
RECEIVER = """
    import http.server, json, pathlib, sys
    folder = pathlib.Path(sys.argv[1])

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status = int((folder / "status").read_text())
            with open(folder / "requests", "a") as file:
                file.write(json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body, "status": status}) + "\\n")
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:%d/elsewhere" % self.server.server_port)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
    print("listening", flush=True)
    server.serve_forever()
"""


class Receiver:
    def __init__(self, case):
        self.folder = pathlib.Path(harness.temp_dir())
        case.addCleanup(shutil.rmtree, self.folder, True)
        self.case, self.port, self.process = case, harness.free_port(), None
        self.script = case.script(RECEIVER)
        self.answer(204)
        (self.folder / "requests").touch()
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()

    def answer(self, status):
        temp = self.folder / "status.new"
        temp.write_text(str(status))
        temp.rename(self.folder / "status")

    def start(self):
        self.process = subprocess.Popen([sys.executable, self.script, str(self.folder), str(self.port)], stdout=subprocess.PIPE, text=True,
                                        start_new_session=True)
        harness._living.append(self.process)
        self.case.addCleanup(self.stop)
        assert self.process.stdout.readline() == "listening\n"

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def requests(self):
        return [json.loads(line) for line in (self.folder / "requests").read_text().splitlines()]

    def taken(self):
        return [r for r in self.requests() if 200 <= r["status"] < 300]

    def toml(self, name="duty", **settings):
        """The [[webhook]] table, and its secret's file."""
        file = self.folder / f"{name}.secret"
        file.write_text(self.secret + "\n")
        os.chmod(file, 0o600)
        table = {"name": name, "url": f"http://127.0.0.1:{self.port}/hook?token=in-the-url", "secret_file": str(file), **settings}
        return "[[webhook]]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in table.items())

    def verify(self, request):
        """As Standard Webhooks says, without Remit."""
        headers = request["headers"]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{request['body']}".encode()
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        self.case.assertEqual(headers["webhook-signature"], expected)
        self.case.assertLess(abs(int(headers["webhook-timestamp"]) - time.time()), 120)
        return json.loads(request["body"])


class Webhooks(harness.Case):
    def receiver(self, start=True):
        receiver = Receiver(self)
        if start:
            receiver.start()
        return receiver

    def serve(self, *receivers, catalog="support", **settings):
        server = self.server(catalogs=[catalog], toml="\n\n".join(r.toml(f"duty-{i}", **settings) for i, r in enumerate(receivers)))
        return server, server.actor('Agent::"triage-bot"')

    def events(self, server, type):
        lines = server.cli("ledger", "export", "--count", "1000").lines
        bodies = [json.loads(json.loads(line)["body"]) for line in lines]
        return [body for body in bodies if body["type"] == type]

    def test_each_change_of_state_is_told_signed_and_written_down(self):
        receiver = self.receiver()
        server, bot = self.serve(receiver)
        started = server.start_task(bot, "triage", {"ticket": "T-1"})
        server.complete(started)
        eventually(lambda: len(receiver.taken()) >= 2)
        told = [receiver.verify(r) for r in receiver.taken()]
        self.assertEqual([m["type"] for m in told], ["task.started", "task.completed"])
        self.assertEqual(told[0]["data"]["task"]["id"], started["task"]["id"])
        self.assertEqual(told[1]["data"]["link"], f"{server.url}/tasks/{started['task']['id']}")
        text = json.dumps(receiver.requests())
        for secret in (started["token"], started["holder"], bot.session()):
            self.assertNotIn(secret, text)
        delivered = eventually(lambda: self.events(server, "webhook.delivered")[1:] and self.events(server, "webhook.delivered"))
        self.assertEqual([e["message"] for e in delivered], [r["headers"]["webhook-id"] for r in receiver.taken()])
        self.assertTrue(server.verify_ledger().json["ok"])
        # What the address holds behind its host may be a secret: it is nowhere.
        self.assertNotIn("in-the-url", server.cli("ledger", "export", "--count", "1000").stdout + server.stderr()
                         + server.api("GET", "/v1/webhooks", bearer=harness.OPERATOR).body)

    def test_a_wait_for_approval_links_to_the_request_and_the_link_only_shows(self):
        receiver = self.receiver()
        server, bot = self.serve(receiver, template="slack")
        helpdesk = server.actor('Service::"helpdesk"')
        started = server.start_task(bot, "triage", {"ticket": "T-2"})
        asked = helpdesk.api("POST", "/access/v1/evaluation", {
            "subject": {"type": "remit_token", "id": started["token"]}, "action": {"name": "ticket.comment"}, "resource": {"type": "Ticket", "id": "T-2"}})
        self.assertFalse(asked.json["decision"], str(asked))
        message = eventually(lambda: [receiver.verify(r) for r in receiver.taken() if "waits for approval" in r["body"]])[0]
        approval = asked.json["context"]["approval"]
        link = f"{server.url}/approvals/{approval}"
        self.assertIn(link, message["blocks"][-1]["text"]["text"])
        page = server.api("GET", f"/approvals/{approval}")
        self.assertEqual(page.status, 200)
        lines = [line.strip() for line in page.body.splitlines()]
        for command in (f"export REMIT_ADDR={server.url}", "remit sign-in", "remit approvals", f"remit approve {approval}", f"remit deny {approval} --why '…'"):
            self.assertIn(command, lines, "each can be copied as a line")
        self.assertIn("This page does not show what it is", page.body)
        self.assertNotIn("T-2", page.body)
        self.assertEqual(server.api("GET", f"/approvals/{approval[:-1]}{'0' if approval[-1] != '0' else '1'}").status, 200, "it says of none whether it is there")
        for odd in (approval + "%3Breboot", approval + "%0Areboot", "apv_%24(reboot)", "apv_%3Cb%3E"):
            self.assertNotIn("reboot", server.api("GET", f"/approvals/{odd}").body, "what is no id is not repeated")
        waiting = server.api("GET", "/v1/approvals", bearer=harness.OPERATOR).json["approvals"]
        self.assertEqual([a["given"] for a in waiting if a["id"] == approval], [[]], "following the link has approved nothing")

    def test_break_glass_is_told_with_everybody_who_was_not_asked(self):
        programs, people = self.receiver(), self.receiver()
        server = self.server(catalogs=["change"], toml=programs.toml("programs") + "\n\n" + people.toml("people", template="mail"))
        ines, omar = server.person('Employee::"ines"'), server.person('Employee::"omar"')
        answer = omar.api("POST", "/v1/tasks", {"type": "change", "parameters": {"system": "shop"}, "reason": "INC-9 checkout fails", "break_glass": True})
        self.assertEqual(answer.status, 201, str(answer))
        task = answer.json["task"]["id"]
        server.cli("revoke", task, "--why", "fixed")
        ines.cli("review", task, "--note", "as the incident needed")
        eventually(lambda: len(programs.taken()) >= 4 and len(people.taken()) >= 4)
        told = [programs.verify(r) for r in programs.taken()]
        self.assertEqual(sorted(m["type"] for m in told), ["task.break-glass", "task.reviewed", "task.revoked", "task.started"])
        (broken,) = [m["data"] for m in told if m["type"] == "task.break-glass"]
        self.assertEqual((broken["event"]["not_asked"], broken["task"]["id"]), (['Employee::"ines"'], task))
        (mail,) = [m for m in map(people.verify, people.taken()) if "break-glass" in m["subject"]]
        self.assertIn('not asked   Employee::"ines"\n', mail["text"])
        self.assertIn("INC-9 checkout fails", mail["text"])

    def test_a_receiver_that_fails_first_is_told_later_and_blocks_nothing(self):
        bad, good = self.receiver(), self.receiver()
        bad.answer(500)
        server, bot = self.serve(bad, good, catalog=self.without_budgets("support"))
        for _ in range(3):
            server.complete(server.start_task(bot, "triage", {"ticket": "T-1"}))
        eventually(lambda: len(good.taken()) >= 6, what="the other receiver hears everything")
        eventually(lambda: len(bad.requests()) >= 2, what="the one that fails is asked again")
        self.assertEqual({r["headers"]["webhook-id"] for r in bad.requests()}, {bad.requests()[0]["headers"]["webhook-id"]}, "in order: the same message")
        (status,) = [w for w in server.api("GET", "/v1/webhooks", bearer=harness.OPERATOR).json["webhooks"] if w["name"] == "duty-0"]
        self.assertGreaterEqual(status["behind"], 6)
        self.assertIn("500", status["last_error"])
        bad.answer(204)
        eventually(lambda: len(bad.taken()) >= 6)
        self.assertEqual([bad.verify(r)["type"] for r in bad.taken()], ["task.started", "task.completed"] * 3)

    def test_nothing_is_lost_when_both_crash(self):
        receiver = self.receiver(start=False)  # nobody listens
        server, bot = self.serve(receiver)
        started = server.start_task(bot, "triage", {"ticket": "T-1"})
        server.restart(hard=True)
        server.complete(started)
        server.kill()
        receiver.start()
        server.start()
        eventually(lambda: len(receiver.taken()) >= 2)
        self.assertEqual([receiver.verify(r)["type"] for r in receiver.taken()], ["task.started", "task.completed"])
        self.assertEqual(server.stop(), 0)

    def test_redirects_are_not_followed(self):
        receiver = self.receiver()
        receiver.answer(302)
        server, bot = self.serve(receiver)
        server.start_task(bot, "triage", {"ticket": "T-1"})
        eventually(lambda: len(receiver.requests()) >= 2)
        self.assertEqual({r["path"] for r in receiver.requests()}, {"/hook?token=in-the-url"})

    def test_a_server_stops_at_once_also_while_a_receiver_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            receiver = self.receiver(start=False)
            receiver.port = silent.getsockname()[1]
            server, bot = self.serve(receiver)
            server.start_task(bot, "triage", {"ticket": "T-1"})
            silent.settimeout(harness.LIMIT)
            connection, _ = silent.accept()
            began = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - began, 9, "it does not wait for the receiver's 10 s")
            connection.close()

    def test_what_is_wrong_with_one_is_said_before_anything_starts(self):
        receiver = self.receiver(start=False)
        for change, reason in (({"url": "http://hooks.example/x"}, "in the clear"), ({"template": "fax"}, "no template `fax`"),
                               ({"events": ["Task!"]}, "not a type"), ({"secret_file": "/nonexistent"}, "cannot")):
            server = self.server(toml=receiver.toml(**change), start=False)
            done = harness.run("serve", "--config", server.config, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(reason, done.stderr, done)
        toml = receiver.toml()
        (receiver.folder / "duty.secret").write_text("nonsense")
        server = self.server(toml=toml, start=False)
        done = harness.run("serve", "--config", server.config, check=False)
        self.assertIn("whsec_", done.stderr)
        self.assertNotIn("nonsense", done.stderr)


if __name__ == "__main__":
    harness.main()
