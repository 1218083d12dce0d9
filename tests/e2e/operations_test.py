"""What docs/operations.md promises to whoever runs the server: the service manager's part, backups, what to watch."""

import configparser
import os
import pathlib
import re
import shutil
import socket

import harness


class Operations(harness.Case):
    def test_the_unit_starts_this_program(self):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read(harness.SOURCE / "packaging/remit.service")
        service = dict(unit["Service"])
        self.assertEqual(service["ExecStart"].split()[1:], ["serve", "--config", "/etc/remit/remit.toml"])
        self.assertEqual((service["Type"], service["User"], service["StateDirectory"], service["RuntimeDirectory"]), ("notify", "remit", "remit remit-anchor", "remit"))
        self.assertEqual(service["LoadCredential"], "master.key:/etc/remit/master.key")
        # What `remit init` writes and what systemd makes are the same places.
        help = harness.run("init", "--help").stdout
        for place in ("/etc/remit", "/var/lib/remit", "/run/remit/remit.sock"):
            self.assertIn(place, help)

    def test_what_the_installed_server_refers_to_is_installed(self):
        """The steps of the page copy the catalogs that they load, and the page that the unit names."""
        steps = re.search(r"## Install\n.*?```\n(.*?)```", (harness.SOURCE / "docs/operations.md").read_text(), re.S).group(1)
        there = {}  # the folder of a copy: where it is from
        for source, folder in re.findall(r"^cp -r (\S+) (\S+)$", steps, re.M):
            there[folder.rstrip("/")] = harness.SOURCE / source
        loaded = re.search(r"remit catalog load (\S+)/\*", steps).group(1)
        self.assertTrue((there[loaded] / "facts.json").is_file(), there)
        named = re.search(r"(?m)^Documentation=file://(\S+)$", (harness.SOURCE / "packaging/remit.service").read_text()).group(1)
        self.assertTrue((there[os.path.dirname(named)] / os.path.basename(named)).is_file(), named)
        made = re.search(r"^mkdir -p (.*)$", steps, re.M).group(1).split()
        self.assertLessEqual(set(there), set(made))

    def test_it_says_that_it_is_ready_and_takes_the_key_from_the_service_manager(self):
        server = self.server(start=False)
        credentials = f"{server.dir}/credentials"
        os.mkdir(credentials)
        shutil.move(f"{server.dir}/etc/master.key", f"{credentials}/master.key")
        os.chmod(f"{credentials}/master.key", 0o440)  # as systemd gives it to a service
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(f"{server.dir}/notify")
            manager.settimeout(harness.LIMIT)
            server.env = {"CREDENTIALS_DIRECTORY": credentials, "NOTIFY_SOCKET": f"{server.dir}/notify"}
            server.start()
            self.assertEqual(manager.recv(100), b"READY=1")
        self.assertEqual(server.stop(), 0)

    def test_stop_and_copy_is_a_backup_and_an_old_one_is_known_by_a_checkpoint(self):
        server = self.server(catalogs=["deploy"])
        ci = server.actor('Pipeline::"ci"')
        first = server.start_task(ci, "deploy", {"service": "checkout", "environment": "prod"}, from_text=True)
        server.stop()
        shutil.copytree(server.data, f"{server.dir}/backup")
        server.start()
        self.assertEqual(server.task(first["task"]["id"])["state"], "active")
        server.complete(first)
        checkpoint = f"{server.dir}/checkpoint"
        pathlib.Path(checkpoint).write_text(server.cli("ledger", "checkpoint").stdout)
        self.assertTrue(server.verify_ledger("--against", checkpoint).json["complete"])

        # The page says what an old copy does: it is refused, until somebody says that it is meant. A newer checkpoint shows that the tail is gone.
        server.stop()
        shutil.rmtree(server.data)
        shutil.move(f"{server.dir}/backup", server.data)
        self.assertEqual(server.verify_ledger("--against", checkpoint, check=False).returncode, 8)
        self.assertNotEqual(server.launch().wait(harness.LIMIT), 0)
        self.assertIn("this store is an old copy", server.stderr())
        server.start("--restored")
        self.assertEqual(server.task(first["task"]["id"])["state"], "revoked")
        self.assertTrue(server.verify_ledger().json["ok"])

    def test_what_to_watch(self):
        server = self.server(catalogs=["deploy"])
        for path in ("/healthz", "/readyz"):
            self.assertEqual(server.api("GET", path).status, 200, path)
        metrics = server.api("GET", "/metrics").body
        page = (harness.SOURCE / "docs/operations.md").read_text()
        named = set(re.findall(r"`(remit_[a-z_]+)`", page))
        self.assertGreater(len(named), 3)
        for name in named:
            self.assertRegex(metrics, rf"(?m)^{name}\b", name)

    def test_metrics_can_be_off(self):
        server = self.server(catalogs=["deploy"], replace={"enabled = true": "enabled = false"})
        self.assertEqual(server.api("GET", "/metrics").status, 404)
        self.assertEqual(server.api("GET", "/readyz").status, 200)


if __name__ == "__main__":
    harness.main()
