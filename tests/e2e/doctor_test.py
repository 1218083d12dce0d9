"""remit doctor, on a real server with a real PostgreSQL that is open, closed and away."""

import os

import harness
import orders


class Doctor(harness.Case):
    def examine(self, server, *flags, expected=0):
        done = server.cli("doctor", "--json", *flags, check=False)
        self.assertEqual(done.returncode, expected, done)
        return done.json

    def said(self, report, check):
        return [f for f in report["findings"] if f["check"] == check]

    def test_a_server_that_is_well(self):
        server = self.server(catalogs=["deploy"])
        server.actor('Pipeline::"ci"')
        report = self.examine(server)
        self.assertTrue(report["ok"])
        checks = {f["check"] for f in report["findings"]}
        self.assertLessEqual({"server", "ledger", "ending", "catalog", "people", "disk", "master-key", "clock"}, checks)
        text = server.cli("doctor").stdout
        self.assertIn("ok       ledger", text)
        self.assertEqual(server.cli("doctor", env=server.actor('Pipeline::"other"').env, check=False).returncode, 3, "it is for who administers")

    def test_what_is_wrong_comes_with_what_to_do(self):
        server = self.server()
        report = self.examine(server, expected=8)
        (finding,) = [f for f in self.said(report, "server") if f["status"] == "error"]
        self.assertEqual(finding["hint"], "remit catalog load FOLDER")
        os.chmod(f"{server.dir}/etc/master.key", 0o644)
        (finding,) = self.said(self.examine(server, expected=8), "master-key")
        self.assertIn("chmod 600", finding["hint"])
        for finding in report["findings"]:
            if finding["status"] != "ok":
                self.assertTrue(finding.get("hint"), finding)

    def test_a_server_that_is_not_there(self):
        server = self.server(start=False)
        report = self.examine(server, expected=6)
        self.assertFalse(report["ok"])
        self.assertEqual(self.said(report, "server")[0]["status"], "error")

    def test_targets(self):
        postgres = orders.make_postgres()
        self.addCleanup(postgres.close)
        installed = orders.Orders(postgres)
        self.addCleanup(installed.close)
        server = installed.server
        open_things = [f for f in self.said(self.examine(server), "target") if f["status"] == "warning"]
        self.assertTrue(open_things, "what PUBLIC may do is open until somebody closes it")
        self.assertIn("remit target check", open_things[0]["hint"])
        self.examine(server, "--strict", expected=8)
        postgres.stop()
        (finding,) = self.said(self.examine(server, expected=8), "target")
        self.assertEqual(finding["status"], "error")


if __name__ == "__main__":
    harness.main()
