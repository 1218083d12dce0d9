"""Token exchange (RFC 8693): a lead hands a part of its task on by OAuth alone. A client that knows the RFC and nothing else of Remit than `authorization_details`."""

import json
import pathlib
import shutil

import harness

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"

SCHEMA = """
entity Team;
@actor entity Agent in [Team];
@open entity Ticket;
@task("Solve one ticket") @name("solve") @ttl("30m")
entity Solve = { actor: Agent, ticket: Ticket };
@task("Look something up for a ticket") @name("lookup") @ttl("5m") @delegable
entity Lookup = { actor: Agent, ticket: Ticket };
action read, comment, close appliesTo { principal: [Solve, Lookup], resource: [Ticket] };
"""
POLICIES = """
permit (principal is Solve, action in [Action::"read", Action::"comment"], resource) when { resource == principal.ticket };
permit (principal is Lookup, action in [Action::"read", Action::"close"], resource) when { resource == principal.ticket };
permit (principal in Team::"agents", action == Remit::Action::"start", resource is Solve);
permit (principal is Solve, action == Remit::Action::"delegate", resource is Lookup);
@id("helpers") @after_uses("2") forbid (principal is Solve, action == Remit::Action::"delegate", resource is Lookup);
"""
FACTS = [{"uid": {"type": "Team", "id": "agents"}, "attrs": {}, "parents": []},
         {"uid": {"type": "Agent", "id": "lead"}, "attrs": {}, "parents": [{"type": "Team", "id": "agents"}]},
         {"uid": {"type": "Agent", "id": "reader"}, "attrs": {}, "parents": []}]


def claims(jwt):
    return json.loads(harness.b64url_decode(jwt.split(".")[1]))


class Exchange(harness.Case):
    def setUp(self):
        folder = pathlib.Path(harness.temp_dir())
        self.addCleanup(shutil.rmtree, folder, True)
        (folder / "work.cedarschema").write_text(SCHEMA)
        (folder / "work.cedar").write_text(POLICIES)
        (folder / "facts.json").write_text(json.dumps(FACTS))
        self.remit = self.server(catalogs=[folder])
        self.lead, self.reader = self.remit.actor('Agent::"lead"'), self.remit.actor('Agent::"reader"')
        answer = self.remit.token(self.lead, authorization_details=self.details("solve"))
        self.assertEqual(answer.status, 200, str(answer))
        self.solve = answer.json

    @staticmethod
    def details(task_type, ticket="T-1", **more):
        return json.dumps([{"type": "remit_task", "task_type": task_type, "parameters": {"ticket": ticket}, **more}])

    def exchange(self, actor=None, **form):
        return self.remit.token(actor or self.lead, **{
            "grant_type": GRANT, "subject_token": self.solve["access_token"], "subject_token_type": ACCESS_TOKEN,
            "authorization_details": self.details("lookup"), **form})

    def test_a_client_that_reads_the_metadata(self):
        metadata = self.remit.api("GET", "/.well-known/oauth-authorization-server").json
        self.assertIn(GRANT, metadata["grant_types_supported"])
        self.assertEqual(metadata["token_endpoint"], self.remit.url + "/token")
        # A tracing parameter that Remit does not know changes nothing (RFC 6749 §3.2).
        answer = self.exchange(resource="https://files.example", trace="4711",
                               authorization_details=self.details("lookup", actor=self.reader.uid))
        self.assertEqual((answer.status, answer.headers["cache-control"]), (200, "no-store"), str(answer))
        lookup = answer.json
        self.assertEqual((lookup["issued_token_type"], lookup["token_type"]), (ACCESS_TOKEN, "Bearer"))
        token = claims(lookup["access_token"])
        self.assertEqual((token["aud"], token["sub"], token["client_id"]), ("https://files.example", self.lead.uid, self.reader.uid))
        self.assertEqual(token["act"], {"sub": self.reader.uid, "remit_task": lookup["remit_task"]})
        # What both may, and no more.
        self.assertEqual([p["action"] for p in token["authorization_details"][0]["permissions"]], ['Action::"read"'])
        self.assertEqual(self.remit.task(lookup["remit_task"])["parent"], self.solve["remit_task"])
        # The resource server asks what it is worth: until the lead is done.
        def active():
            form = {"token": lookup["access_token"]}
            return self.remit.api("POST", "/introspect", form=form, bearer=self.reader.session()).json["active"]
        self.assertTrue(active())
        done = self.remit.api("POST", f"/v1/tasks/{self.solve['remit_task']}/complete", {}, bearer=self.solve["remit_holder_key"])
        self.assertEqual(done.status, 200, str(done))
        self.assertFalse(active())
        self.assertEqual(self.exchange().json["error"], "invalid_request")
        self.assertTrue(self.remit.verify_ledger().json["ok"])

    def test_refused_in_the_words_of_the_rfc_and_nothing_is_started(self):
        jwt = self.remit.api("POST", f"/v1/tasks/{self.solve['remit_task']}/token", {"audience": "https://files.example"},
                             bearer=self.solve["access_token"]).json["token"]
        head, body, signature = jwt.split(".")
        forged = ".".join([head, harness.b64url(json.dumps({**claims(jwt), "iss": "https://evil.example"}).encode()), signature])
        for answer, status, error in [(self.exchange(actor=self.reader), 400, "invalid_request"),  # another's task
                                      (self.exchange(subject_token=jwt), 400, "invalid_request"),
                                      (self.exchange(subject_token=forged), 400, "invalid_request"),
                                      (self.exchange(subject_token=self.solve["remit_holder_key"]), 400, "invalid_request"),
                                      (self.exchange(subject_token=self.lead.session()), 400, "invalid_request"),
                                      (self.exchange(actor_token=self.reader.session(), actor_token_type=ACCESS_TOKEN), 400, "invalid_request"),
                                      (self.exchange(authorization_details=self.details("solve")), 400, "invalid_request"),  # not @delegable
                                      (self.exchange(authorization_details=self.details("lookup", ttl="1h")), 400, "invalid_authorization_details"),
                                      (self.exchange(resource="files"), 400, "invalid_target"), (self.exchange(scope="all"), 400, "invalid_scope"),
                                      (self.exchange(client_assertion="x.y.z"), 401, "invalid_client")]:
            self.assertEqual((answer.status, answer.json["error"]), (status, error), str(answer))
            self.assertNotIn(self.solve["access_token"], answer.body)
        once = harness.client_assertion(self.lead.key_file, self.lead.client_id, self.remit.url)
        self.assertEqual([self.exchange(client_assertion=once).status for _ in range(2)], [200, 401])
        self.assertEqual([self.exchange().status for _ in range(2)], [200, 400])  # two helpers are what the lead may have
        tasks = self.remit.api("GET", "/v1/tasks", bearer=harness.OPERATOR).json["tasks"]
        self.assertEqual(sorted(task["name"] for task in tasks), ["lookup", "lookup", "solve"])
        for secret in (self.solve["access_token"], jwt):
            self.assertNotIn(secret, pathlib.Path(self.remit.stderr_file).read_text())


if __name__ == "__main__":
    harness.main()
