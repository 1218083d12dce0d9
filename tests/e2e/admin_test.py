"""Administration with real servers: the first administrator, four eyes, offboarding, and an old store that does not revive the dead."""

import json
import os
import pathlib
import shutil
import socket

import harness
import orders
from harness import eventually

CATALOGS = [harness.SOURCE / "catalogs" / name for name in ("administration", "deploy", "support")]


class Administration(harness.Case):
    def first(self):
        """A server whose first administrator, ann, was made by `remit init`, and signed in."""
        server = self.server(start=False)
        shutil.rmtree(f"{server.dir}/etc")
        shutil.rmtree(server.data)
        made = harness.run("init", f"{server.dir}/etc", "--data-dir", server.data, "--socket", server.socket, "--listen", f"127.0.0.1:{server.port}",
                           *[word for folder in CATALOGS for word in ("--catalog", folder)], "--administrator", 'Employee::"ann"')
        server.start()
        ann = harness.Person(server, 'Employee::"ann"', f"{server.dir}/people/ann")
        os.makedirs(ann.config_home, 0o700)
        code = next(line for line in made.lines if line.startswith("rml_"))
        self.assertIn("until there is one, the server's own user administers, too", made.stderr)
        ann.cli("sign-in", input=code + "\n")
        self.assertNotEqual(ann.cli("sign-in", input=code + "\n", check=False).returncode, 0)  # good once
        return server, ann

    def test_an_administrator_who_could_not_administer_leaves_nothing_behind(self):
        server = self.server(start=False)
        shutil.rmtree(f"{server.dir}/etc")
        shutil.rmtree(server.data)
        places = [f"{server.dir}/etc", "--data-dir", server.data, "--socket", server.socket, "--listen", f"127.0.0.1:{server.port}"]
        refused = harness.run("init", *places, "--catalog", CATALOGS[1], "--administrator", 'Employee::"ann"', check=False)
        self.assertEqual(refused.returncode, 5, refused)
        self.assertIn("hint: the catalogs need a policy that permits it, as catalogs/administration has", refused.stderr)
        for path in (f"{server.dir}/etc", server.data):
            self.assertFalse(os.path.exists(path), path)
        harness.run("init", *places, "--catalog", CATALOGS[0], "--catalog", CATALOGS[1], "--administrator", 'Employee::"ann"')

    def second(self, server):
        """bob joins, while the operator still sets up."""
        people = f"{server.dir}/people.json"
        pathlib.Path(people).write_text(json.dumps([{"uid": {"type": "Employee", "id": "bob"}, "attrs": {},
                                                     "parents": [{"type": "Team", "id": "administrators"}]}]))
        server.cli("facts", "put", people)
        return server.person('Employee::"bob"')

    def narrower(self, server):
        """The catalog support, with a tool less."""
        folder = f"{server.dir}/narrower/support"
        shutil.copytree(CATALOGS[2], folder)
        text = pathlib.Path(f"{folder}/support.cedar").read_text()
        self.assertIn('resource == Tool::"kb.search"', text)
        pathlib.Path(f"{folder}/support.cedar").write_text(text.replace('resource == Tool::"kb.search"', 'resource == Tool::"nothing"'))
        return folder

    def test_the_operator_gives_nothing_once_two_can_administer(self):
        server, ann = self.first()
        self.assertTrue(server.api("GET", "/v1/whoami", bearer=harness.OPERATOR).json["set_up"])
        bob = self.second(server)
        self.assertFalse(server.api("GET", "/v1/whoami", bearer=harness.OPERATOR).json["set_up"])
        for command in (["catalog", "load", CATALOGS[1]], ["actor", "put", 'Pipeline::"ci"'], ["person", "put", 'Employee::"mallory"'],
                        ["facts", "put", CATALOGS[1] / "facts.json"], ["person", "put", 'Employee::"ann"', "--bar"]):
            refused = server.cli(*command, "--json", check=False)
            self.assertIn(json.loads(refused.stderr)["error"]["reason"], ("set-up-is-over", "locks-everybody-out"), refused)
        # An administrator does, at once or with another's yes.
        ann.cli("actor", "put", 'Pipeline::"ci"')
        waits = ann.cli("catalog", "load", CATALOGS[0], CATALOGS[1], self.narrower(server), check=False)
        self.assertEqual(waits.returncode, 7, waits)
        approval = waits.stdout.strip()
        before = server.cli("catalog", "show", "--json").json["hash"]
        self.assertEqual(json.loads(ann.cli("approve", approval, "--json", check=False).stderr)["error"]["reason"], "own-request")
        shown = bob.cli("approvals").stdout
        self.assertIn("catalog.load", shown)
        self.assertIn("changed policies", shown)
        self.assertIn('Tool::"nothing"', shown)
        self.assertEqual(server.cli("catalog", "show", "--json").json["hash"], before)
        bob.cli("approve", approval)
        self.assertNotEqual(server.cli("catalog", "show", "--json").json["hash"], before)
        self.assertTrue(server.verify_ledger().json["ok"])
        events = [json.loads(entry["body"])["type"] for entry in server.api("GET", "/ledger/entries?from=0&count=500", bearer=harness.OPERATOR).json["entries"]]
        for event in ("change.requested", "approval.given", "change.made", "person.link-made"):
            self.assertIn(event, events)

    def test_a_catalog_under_live_tasks(self):
        server = self.server(catalogs=["support"])
        bot = server.actor('Agent::"triage-bot"')
        started = server.start_task(bot, "triage", {"ticket": "T-1"}, from_text=True)
        folder = self.narrower(server)
        dry = server.cli("catalog", "load", folder, "--dry-run")
        self.assertIn(f"loses: {started['task']['id']}", dry.stdout)
        self.assertIn("tool.call", dry.stdout)
        self.assertEqual(server.task(started["task"]["id"])["state"], "active")
        ended = server.cli("catalog", "load", folder, "--end-older", "--json").json
        self.assertEqual(ended["ended"], [started["task"]["id"]])
        # It is refused by now, and shown as ended when that is written down.
        harness.eventually(lambda: server.task(started["task"]["id"])["state"] == "revoked")

    def test_barring_says_what_goes_on_and_offboarding_ends_it(self):
        server = self.server(catalogs=["support"])
        bot = server.actor('Agent::"triage-bot"')
        started = server.start_task(bot, "triage", {"ticket": "T-1"}, from_text=True)
        session = bot.session()
        barred = server.cli("actor", "put", bot.uid, "--bar")
        self.assertIn(f"still there: {started['task']['id']}", barred.stdout)
        self.assertEqual(server.task(started["task"]["id"])["state"], "active")
        done = server.cli("offboard", bot.uid, "--reason", "the vendor was replaced")
        self.assertIn(f"ended task {started['task']['id']} (triage)", done.stdout)
        self.assertIn("holds nothing any more", done.stdout)
        self.assertEqual(server.task(started["task"]["id"])["state"], "revoked")
        self.assertEqual(server.api("GET", "/v1/whoami", bearer=session).status, 401)
        self.assertEqual(server.api("GET", "/v1/whoami", bearer=started["token"]).status, 401)
        self.assertNotEqual(server.token(bot).status, 200)
        # Lifting the bar does not bring back the key.
        server.cli("actor", "put", bot.uid, "--client-id", bot.client_id)
        self.assertNotEqual(server.token(bot).status, 200)


class OldStore(harness.Case):
    """An old copy of the store in its place, with a real PostgreSQL."""

    @classmethod
    def setUpClass(cls):
        cls.postgres = orders.make_postgres()

    @classmethod
    def tearDownClass(cls):
        cls.postgres.close()

    def installation(self, user):
        installation = orders.Orders(self.postgres, user=user)
        self.addCleanup(installation.close)
        return installation

    def refused(self, server, *flags):
        """Starts it, and says why it did not serve."""
        before = len(server.stderr())
        process = server.launch(*flags)
        self.assertNotEqual(process.wait(harness.LIMIT), 0)
        return server.stderr()[before:]

    def size_of(self, anchor):
        return int(pathlib.Path(anchor).read_text().split("size ")[1].split()[0])

    def test_it_is_refused_and_a_new_epoch_ends_everything(self):
        installation = self.installation("remit_old")
        server = installation.server
        copied = installation.window()
        session = installation.vera.session()
        server.stop()
        shutil.copytree(server.data, f"{server.dir}/copy")
        shutil.copy(f"{server.dir}/data-anchor/anchor", f"{server.dir}/copy-anchor")
        server.start()
        name = installation.installation
        later = installation.window()  # a role that the copy knows nothing of
        copied_role, later_role = copied.role, later.role
        # It is at most a second old: a copy that is put back faster is not known for one.
        eventually(lambda: self.size_of(f"{server.dir}/data-anchor/anchor") > self.size_of(f"{server.dir}/copy-anchor"), what="the anchor has seen it")
        server.cli("person", "put", installation.vera.uid, "--bar")
        eventually(lambda: "vera" in pathlib.Path(f"{server.dir}/data-anchor/anchor.barred").read_text(), what="the list beside it says so")
        self.assertEqual(sorted(installation.roles()), sorted([copied_role, later_role]))
        server.kill()
        shutil.rmtree(server.data)
        shutil.copytree(f"{server.dir}/copy", server.data)

        self.assertIn("this store is an old copy", self.refused(server))
        there = self.postgres.psql(f"SELECT rolname FROM pg_roles WHERE rolname ~ '^remit_{name}_crd_'").lines
        self.assertEqual(sorted(there), sorted([copied_role, later_role]))  # nobody was served, nothing was touched
        server.start("--restored")
        eventually(lambda: installation.roles() == [], what="the roles of before are gone")
        self.assertEqual(server.task(copied.id)["state"], "revoked")
        for handle in (copied.token, copied.holder, later.token, later.holder, session):
            self.assertEqual(server.api("GET", "/v1/whoami", bearer=handle).status, 401)
        for window in (copied, later):
            self.assertNotEqual(window.psql("SELECT 1", check=False).returncode, 0)
        barred = {one["uid"]: one["barred"] for one in server.cli("person", "list", "--json").json["people"]}
        self.assertEqual(barred, {installation.vera.uid: True, installation.dana.uid: False})  # which the copy knows nothing of
        self.assertTrue(server.verify_ledger().json["ok"])
        # From now on it is the store; and its own old copies are refused again.
        server.restart()
        server.stop()
        shutil.rmtree(server.data)
        shutil.copytree(f"{server.dir}/copy", server.data)
        self.assertIn("it is an old copy", self.refused(server))

    def test_where_store_and_anchor_are_both_old_the_target_remembers(self):
        installation = self.installation("remit_both")
        server, name = installation.server, installation.installation
        before = self.anchored(name)
        server.stop()
        for folder in ("data", "data-anchor"):
            shutil.copytree(f"{server.dir}/{folder}", f"{server.dir}/copy-{folder}")
        server.start()
        installation.window().complete()
        server.restart()  # leaves an anchor at targets; else it is by the hour
        eventually(lambda: self.anchored(name) > before, what="the anchor at the target is a new one")
        server.stop()
        for folder in ("data", "data-anchor"):
            shutil.rmtree(f"{server.dir}/{folder}")
            shutil.copytree(f"{server.dir}/copy-{folder}", f"{server.dir}/{folder}")
        self.assertIn("the anchor at target `orders`", self.refused(server))

    def anchored(self, installation):
        """How many events the anchor at the target saw; 0 where there is none yet."""
        text = self.postgres.psql(f"SELECT anchor FROM remit.anchor WHERE installation = '{installation}'", "orders").stdout
        return int(text.split("size ")[1].split()[0]) if text else 0

    def test_a_target_that_moved_does_not_get_the_old_password(self):
        installation = self.installation("remit_moved")
        server = installation.server
        server.stop()
        with socket.socket() as thief:  # who changed the port listens there
            thief.bind(("127.0.0.1", 0))
            thief.listen()
            thief.settimeout(0.0)
            port = thief.getsockname()[1]
            server.edit(f"port = {self.postgres.port}\n", f"port = {port}\n")
            self.assertIn(f"is not sent to 127.0.0.1:{port}", self.refused(server))
            with self.assertRaises(BlockingIOError):  # nobody has called
                thief.accept()
        # Back, it is as before; and a move that is meant says so.
        server.edit(f"port = {port}\n", f"port = {self.postgres.port}\n")
        server.start()
        installation.window().complete()

    def test_neither_password_follows_to_another_server_whatever_is_renamed(self):
        """The superuser's is the stronger one. Who may write remit.toml and not the files of the passwords gets neither sent to a server of theirs."""
        server = self.server(start=False)
        path = f"{server.dir}/etc/su.password"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write("su-password\n")
        server.add_postgres_target("orders", self.postgres, "orders", user="remit_bound", superuser="su", superuser_password_file=path)
        server.start()
        server.stop()
        own = pathlib.Path(f"{server.dir}/etc/orders.password")
        was, text = own.read_text(), pathlib.Path(server.config).read_text()
        with socket.socket() as thief:
            thief.bind(("127.0.0.1", 0))
            thief.listen()
            thief.settimeout(0.0)
            moved = text.replace(f"port = {self.postgres.port}\n", f"port = {thief.getsockname()[1]}\n")
            renamed = moved.replace("[targets.orders]", "[targets.others]")
            for toml, file, content, said in [(moved, own, was, "password_file was given for"),
                                              (moved, own, "a new one\n", "superuser_password_file was given for"),
                                              (renamed, own, was, "password_file was given for"),
                                              (renamed.replace('"remit_bound"', '"another"'), own, was, "password_file was given for"),
                                              (renamed, own, "a new one\n", "superuser_password_file was given for")]:
                pathlib.Path(server.config).write_text(toml)
                file.write_text(content)
                self.assertIn(said, self.refused(server))
                with self.assertRaises(BlockingIOError):
                    thief.accept()
        own.write_text(was)
        pathlib.Path(server.config).write_text(text)
        server.start()

    def test_a_store_whose_anchor_was_taken_away(self):
        server = self.server(catalogs=["deploy"])
        server.stop()
        shutil.rmtree(f"{server.dir}/data-anchor")
        self.assertIn("it is gone", self.refused(server))


if __name__ == "__main__":
    harness.main()
