"""An agent on one ticket: it may read that ticket, call one tool and comment once; every decision is asked for by the help desk's own server.

The help desk is a policy enforcement point: a registered actor that asks POST /access/v1/evaluation (AuthZEN) before it does anything.
"""

import json
import sys
import threading

import harness
from harness import eventually

TRIES = 100       # comments at the same time
CONNECTIONS = 10  # over so many connections


def question(subject, action, resource_type, resource, **more):
    return {"subject": subject, "action": {"name": action}, "resource": {"type": resource_type, "id": resource}, **more}


def by_token(token):
    return {"type": "remit_token", "id": token}


class HelpDesk:
    """Tickets, a knowledge base and mail, behind Remit: GET /ticket/ID, POST /ticket/ID/comment, POST /tool/NAME."""

    def __init__(self, test, remit, pep):
        self.remit, self.pep = remit, pep
        self.comments = []
        self.web = test.web(self.handle)

    def handle(self, method, path, headers, body):
        parts = path.strip("/").split("/")
        if parts[0] == "tool":
            asked = ("tool.call", "Tool", parts[1])
        else:
            asked = ("ticket.comment" if parts[2:] == ["comment"] else "ticket.read", "Ticket", parts[1])
        token = headers.get("authorization", "").removeprefix("Bearer ")
        answer = self.pep.api("POST", "/access/v1/evaluation", question(by_token(token), *asked))
        if answer.status != 200 or answer.json["decision"] is not True:
            return 403, {"decision": answer.json if answer.status == 200 else answer.body}
        if asked[0] == "ticket.comment":
            self.comments.append(parts[1])
        return 200, {}


AGENT = r"""
import json, os, sys, urllib.request
desk = sys.argv[1]
def ask(method, path):
    headers = {"Authorization": "Bearer " + os.environ["REMIT_TOKEN"]}
    request = urllib.request.Request(desk + path, b"{}" if method == "POST" else None, headers, method=method)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
print(json.dumps([ask("GET", "/ticket/T-1"), ask("GET", "/ticket/T-2"), ask("POST", "/tool/kb.search"), ask("POST", "/tool/mail.send"),
                  ask("POST", "/ticket/T-2/comment"), ask("POST", "/ticket/T-1/comment"), ask("POST", "/ticket/T-1/comment"),
                  ask("GET", "/ticket/T-1")]))
"""


class Ticket(harness.Case):
    def setUp(self):
        self.remit = self.server(catalogs=["support"])
        self.bot = self.remit.actor('Agent::"triage-bot"')
        self.pep = self.remit.actor('Service::"helpdesk"')
        self.pep.session()

    def triage(self, ticket):
        return self.remit.start_task(self.bot, "triage", {"ticket": ticket}, from_text=True)

    def evaluate(self, started, action, resource_type, resource, pep=None, connection=None, **kwargs):
        body = question(by_token(started["token"]), action, resource_type, resource)
        if connection is not None:
            return connection.call("POST", "/access/v1/evaluation", body, (pep or self.pep).session(), **kwargs)
        return (pep or self.pep).api("POST", "/access/v1/evaluation", body, **kwargs)

    def decision(self, *args, **kwargs):
        answer = self.evaluate(*args, **kwargs)
        self.assertEqual(answer.status, 200, str(answer))
        return answer.json

    def test_one_ticket_one_tool_one_comment(self):
        desk = HelpDesk(self, self.remit, self.pep)
        run = self.bot.cli("run", "triage", "ticket=T-1", "--", sys.executable, self.script(AGENT), desk.web.url)
        self.assertEqual(json.loads(run.stdout), [200, 403, 200, 403, 403, 200, 403, 200])
        self.assertEqual(desk.comments, ["T-1"])
        task = self.remit.cli("list", "--state", "ended", "--json").json["tasks"][0]
        receipt = self.bot.cli("receipt", task["id"], "--json").json["task"]
        self.assertEqual(receipt["uses"], {"comment-once": 1})
        self.assertEqual((receipt["allowed"], receipt["denied"]), (4, 4))

    def test_of_a_hundred_comments_at_once_one_passes(self):
        started = self.triage("T-1")
        barrier = threading.Barrier(CONNECTIONS)

        def burst():
            with self.remit.connect() as connection:
                connection.call("GET", "/healthz")
                barrier.wait(60)
                return [self.decision(started, "ticket.comment", "Ticket", "T-1", connection=connection) for _ in range(TRIES // CONNECTIONS)]

        answers = sum(harness.in_parallel([burst] * CONNECTIONS, CONNECTIONS), [])
        self.assertEqual(len(answers), TRIES)
        self.assertEqual(sum(one["decision"] for one in answers), 1)
        self.assertEqual({one["context"]["reason"] for one in answers if not one["decision"]}, {"used-up"})
        self.assertEqual(self.remit.task(started["task"]["id"])["uses"], {"comment-once": 1})

        # A crash does not give the comment back.
        self.remit.restart(hard=True)
        self.assertEqual(self.decision(started, "ticket.comment", "Ticket", "T-1")["context"]["reason"], "used-up")
        self.assertTrue(self.decision(started, "ticket.read", "Ticket", "T-1")["decision"])
        self.remit.complete(started)
        self.assertFalse(self.decision(started, "ticket.read", "Ticket", "T-1")["decision"])
        self.assertTrue(self.remit.verify_ledger().json["ok"])

    def test_who_did_not_hear_the_answer_asks_again(self):
        started = self.triage("T-1")
        headers = {"Idempotency-Key": "comment-1"}
        first = self.decision(started, "ticket.comment", "Ticket", "T-1", headers=headers)
        again = self.decision(started, "ticket.comment", "Ticket", "T-1", headers=headers)
        self.assertTrue(first["decision"])
        self.assertEqual(again, first)
        self.assertFalse(self.decision(started, "ticket.comment", "Ticket", "T-1", headers={"Idempotency-Key": "comment-2"})["decision"])
        self.assertEqual(self.evaluate(started, "ticket.read", "Ticket", "T-1", headers=headers).status, 409)  # another question

    def test_who_asks_twice_at_once_gets_one_answer(self):
        started = self.triage("T-1")
        ask = lambda: self.decision(started, "ticket.comment", "Ticket", "T-1", headers={"Idempotency-Key": "comment-1"})["decision"]
        self.assertEqual(harness.in_parallel([ask] * 16, 8), [True] * 16)
        self.assertEqual(self.remit.task(started["task"]["id"])["uses"], {"comment-once": 1})

    def test_a_check_spends_nothing(self):
        started = self.triage("T-1")
        for _ in range(3):
            self.assertTrue(self.remit.cli("check", "-", "ticket.comment", 'Ticket::"T-1"', "--json",
                                           env={"REMIT_TOKEN": started["token"]}).json["allowed"])
        self.assertTrue(self.decision(started, "ticket.comment", "Ticket", "T-1")["decision"])
        self.assertEqual(self.remit.cli("check", "-", "ticket.comment", 'Ticket::"T-1"', env={"REMIT_TOKEN": started["token"]},
                                        check=False).returncode, 3)

    def test_an_important_customer_hears_from_us_after_a_yes(self):
        sam = self.remit.person('Employee::"sam"')
        started = self.triage("T-2")
        waits = self.decision(started, "ticket.comment", "Ticket", "T-2")
        self.assertEqual((waits["decision"], waits["context"]["reason"]), (False, "needs-approval"))
        approval = waits["context"]["approval"]
        self.assertEqual(self.decision(started, "ticket.comment", "Ticket", "T-2")["context"]["approval"], approval)  # asked once

        # Nobody but a person whom Cedar permits it: not the agent, not the help desk, not the task itself, not the operator, not a stranger.
        path = f"/v1/approvals/{approval}/approve"
        shown = sam.cli("approvals", "--json").json["approvals"]
        self.assertEqual([(one["id"], one["kind"]) for one in shown], [(approval, "use")])
        yes = {"hash": shown[0]["hash"]}
        nancy = self.remit.person('Employee::"nancy"')  # works here, in no team
        for who in (self.bot.session(), self.pep.session(), started["token"], started["holder"], nancy.session(), harness.OPERATOR):
            answer = self.remit.api("POST", path, yes, bearer=who)
            self.assertIn(answer.status, (401, 403, 404), f"{who}: {answer}")
        self.assertEqual(nancy.cli("approve", approval, check=False).returncode, 4)
        self.assertFalse(self.decision(started, "ticket.comment", "Ticket", "T-2")["decision"])

        # The yes is to what was read, not to what the request may have become.
        wrong = sam.cli("approve", approval, "--hash", "0" * 64, check=False)
        self.assertEqual(wrong.returncode, 5, str(wrong))
        sam.cli("approve", approval)
        self.assertTrue(self.decision(started, "ticket.comment", "Ticket", "T-2")["decision"])
        self.assertEqual(self.decision(started, "ticket.comment", "Ticket", "T-2")["context"]["reason"], "used-up")
        self.remit.complete(started)

    def test_nobody_approves_what_they_started(self):
        """A person who is a task's actor is in the request's chain, also where Cedar would permit the yes."""
        folder = self.script("")[: -len("/client.py")]
        with open(f"{folder}/desk.cedarschema", "w") as schema:
            schema.write('@person entity Staff;\nentity Door = {};\n'
                         '@task("Open a door") @name("open") entity OpenDoor = { actor: Staff, door: Door };\n'
                         'action "open" appliesTo { principal: [OpenDoor], resource: [Door] };\n')
        with open(f"{folder}/desk.cedar", "w") as policy:
            policy.write('@id("open") permit (principal is OpenDoor, action == Action::"open", resource) when { resource == principal.door };\n'
                         '@id("start") permit (principal is Staff, '
                         'action in [Remit::Action::"start", Remit::Action::"approve", Remit::Action::"deny"], '
                         'resource is OpenDoor);\n'
                         '@id("two") @unless_approved("1") forbid (principal is Staff, action == Remit::Action::"start", resource is OpenDoor);\n')
        with open(f"{folder}/facts.json", "w") as facts:
            json.dump([{"uid": {"type": "Door", "id": "vault"}, "attrs": {}, "parents": []}], facts)
        remit = self.server(catalogs=[folder])
        ann, bob = remit.person('Staff::"ann"'), remit.person('Staff::"bob"')
        asked = ann.cli("start", "open", "door=vault", "--json").json
        self.assertEqual(asked["task"]["state"], "requested")
        hash = bob.cli("approvals", "--json").json["approvals"][0]["hash"]
        own = ann.cli("approve", asked["approval"], "--hash", hash, check=False)
        self.assertIn(own.returncode, (3, 4), str(own))
        self.assertEqual(remit.task(asked["task"]["id"])["state"], "requested")
        bob.cli("approve", asked["approval"])
        eventually(lambda: remit.task(asked["task"]["id"])["state"] == "active")

    def test_nobody_approves_what_an_agent_of_theirs_asks_for_or_breaks_glass_unheard(self):
        """Whoever answers for an actor is in the request's chain, and says so at the command line; what nobody is told of, too."""
        folder = self.script("")[: -len("/client.py")]
        with open(f"{folder}/desk.cedarschema", "w") as schema:
            schema.write('@person entity Staff;\n@actor entity Robot;\nentity Door = {};\n'
                         '@task("Open a door") @name("open") @max_ttl("1h") @break_glass("5m") entity OpenDoor = { door: Door };\n'
                         'action "open" appliesTo { principal: [OpenDoor], resource: [Door] };\n')
        with open(f"{folder}/desk.cedar", "w") as policy:
            policy.write('@id("open") permit (principal is OpenDoor, action == Action::"open", resource) when { resource == principal.door };\n'
                         '@id("start") permit (principal is Robot, action in [Remit::Action::"start", Remit::Action::"break_glass"], resource is OpenDoor);\n'
                         '@id("yes") permit (principal is Staff, action in [Remit::Action::"approve", Remit::Action::"view"], resource is OpenDoor);\n'
                         '@id("one") @unless_approved("1") forbid (principal, action == Remit::Action::"start", resource is OpenDoor);\n')
        with open(f"{folder}/facts.json", "w") as facts:
            json.dump([{"uid": {"type": "Door", "id": "vault"}, "attrs": {}, "parents": []}], facts)
        remit = self.server(catalogs=[folder])
        ann, bob, robot = remit.person('Staff::"ann"'), remit.person('Staff::"bob"'), remit.actor('Robot::"r2"')
        put = ["actor", "put", robot.uid, "--client-id", robot.client_id, "--key", f"{robot.key_file}.pub"]
        self.assertIn("is not a registered person", remit.cli(*put, "--owner", 'Staff::"nobody"', check=False).stderr)
        self.assertEqual(remit.cli(*put, "--owner", 'Staff::"ann"', "--no-owner", check=False).returncode, 2)
        asked = remit.start_task(robot, "open", {"door": "vault"})
        remit.cli(*put, "--owner", 'Staff::"ann"')
        self.assertRegex(remit.cli("actor", "list").stdout, r'Robot::"r2".* Staff::"ann"')
        remit.cli(*put, "--owner", 'Staff::"bob"')
        for person in (ann, bob):
            own = person.cli("approve", asked["approval"], check=False)
            self.assertEqual(own.returncode, 3, str(own))
            self.assertRegex(own.stderr, 'own(s|ed) Robot::"r2"')
        self.assertEqual(remit.task(asked["task"]["id"])["state"], "requested")
        broken = remit.start_task(robot, "open", {"door": "vault"}, reason="fire", break_glass=True)
        self.assertIs(broken["nobody_told"], True)
        self.assertIn("nobody would be told", remit.cli("doctor", check=False).stdout)

    def test_who_is_no_registered_enforcement_point_is_refused(self):
        started = self.triage("T-1")
        body = question(by_token(started["token"]), "ticket.read", "Ticket", "T-1")
        # Registered, and not permitted to enforce; known, and no enforcement point; unknown.
        stranger = self.remit.actor('Service::"stranger"')
        for pep in (stranger, self.bot):
            answer = pep.api("POST", "/access/v1/evaluation", body)
            self.assertEqual((answer.status, answer.json["decision"], answer.json["context"]["reason"]), (200, False, "not-a-pep"), str(answer))
        for bearer in (started["token"], started["holder"]):
            self.assertEqual(self.remit.api("POST", "/access/v1/evaluation", body, bearer=bearer).status, 403)
        self.assertEqual(self.remit.api("POST", "/access/v1/evaluation", body, bearer="rma_" + "A" * 43).status, 401)
        self.assertEqual(self.remit.api("POST", "/access/v1/evaluation", body).status, 401)
        # A key that is nobody's.
        self.pep.key_file = self.bot.key_file
        self.assertEqual(self.remit.token(self.pep).status, 401)
        # The right one is told the truth; and of a token that is none, no more than that.
        self.assertTrue(self.decision(started, "ticket.read", "Ticket", "T-1")["decision"])
        self.assertFalse(self.decision({"token": "rmt_" + "A" * 43}, "ticket.read", "Ticket", "T-1")["decision"])
        # Barred: from the answer on.
        self.remit.cli("actor", "put", 'Service::"helpdesk"', "--bar")
        self.assertIn(self.evaluate(started, "ticket.read", "Ticket", "T-1").status, (401, 403))

    def test_what_a_pep_says_of_a_ticket_is_not_believed(self):
        started = self.triage("T-2")
        body = question(by_token(started["token"]), "ticket.comment", "Ticket", "T-2")
        body["resource"]["properties"] = {"project": "web"}
        answer = self.pep.api("POST", "/access/v1/evaluation", body)
        self.assertEqual((answer.status, answer.json["decision"]), (200, False), str(answer))


if __name__ == "__main__":
    harness.main()
