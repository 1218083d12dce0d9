"""What scripts/run shows: the five jobs, done for real, with what each was refused and how it ended; and the scripts' own help."""

import os
import re
import signal
import subprocess
import sys

import harness
from harness import SOURCE, clean_env, eventually

DEMO = [sys.executable, "-B", SOURCE / "scripts" / "demo.py"]

# Of each job: what it could, what it could not and why, and the proof of its end.
SHOWN = [
    r"allowed  deploy checkout to prod +deployed",
    r"refused  deploy billing to prod +403: the token does not permit .*billing",
    r"proof    the same token again +401: introspection says active: false",
    r"allowed  comment on T-1 +done",
    r"refused  comment on T-1 again +decision: false, used-up",
    r"proof    read ticket T-1 again +decision: false",
    r"proof    triage T-1 again today +budget-used-up",
    r"waits    for one yes +remit approve apv_",
    r"allowed  read invoices +1000 rows",
    r"refused  read salaries +permission denied for table salaries",
    r"refused  open another database +permission denied for database",
    r"proof    the stolen session +terminating connection due to administrator command",
    r"proof    the stolen password +password authentication failed",
    r"allowed  write prod/db/orders",
    r"refused  read prod/db/billing +no secret",
    r"unused   SELECT customers",
    r"unused   UPDATE customers",
    r"used     SELECT invoices +3 times",
    r"unclear  DELETE payments",
    r"used     INSERT payments +3 times",
    r"refused  table salaries +3 times",
    r"forged   3 lines of the log +begins like a line of pgaudit's",
    r"got      task type billing-orders +SELECT orders/public\.invoices, INSERT orders/public\.payments$",
    r"tested   \d+ passed, 0 failed",
    r"allowed  read invoices +1000 rows",
    r"allowed  write a payment +INSERT 0 1",
    r"refused  read customers +permission denied for table customers",
    r"refused  delete payments +permission denied for table payments",
    r"allowed  the account, by itself +1 rows",
    r"planned  5 grants go +0 of others fall with them",
    r"gone     5 grants +\d+ of \d+ statements as the account were refused with SQLSTATE 42501",
    r"refused  the account, by itself +permission denied",
    r"allowed  write another payment +INSERT 0 1",
    r"ended    completed after",
    r"proof    the ledger +\d+ events verified from scratch",
    r"restored 5 grants +as they were",
    r"allowed  the account, by itself +1 rows",
]


class Demo(harness.Case):
    def env(self, **extra):
        return clean_env({"REMIT_BIN": harness.BIN, "REMIT_SOURCE_DIR": SOURCE, **extra})

    def test_it_shows_the_five_jobs_and_stops(self):
        done = subprocess.run(DEMO, env=self.env(ONCE="1"), capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")
        self.assertEqual(len(re.findall(r"^  ended    completed after", done.stdout, re.M)), 5, done.stdout)
        at = 0
        for line in SHOWN:  # in this order
            found = re.compile(line, re.M).search(done.stdout, at)
            self.assertTrue(found, f"{line} is not in\n{done.stdout}")
            at = found.end()
        self.assertNotIn("\x1b", done.stdout)  # colours are for terminals
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 130)

    def test_it_leaves_a_server_to_try_things_with_until_it_is_stopped(self):
        process = subprocess.Popen(DEMO, env=self.env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        exports = dict(re.findall(r"(REMIT_\w+)=(\S+)", re.search(r"export PATH.*", said)[0]))
        run = harness.run("run", "deploy", "service=checkout", "environment=prod", "--", "echo", "deployed", env=exports)
        self.assertEqual(run.stdout, "deployed\n")
        folder = re.search(r"with everything in (\S+)\.", said)[1]
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130, process.stdout.read())
        process.stdout.close()
        self.assertFalse(os.path.exists(folder))
        eventually(lambda: harness.run("whoami", env=exports, check=False).returncode != 0, what="the server is gone")

    def test_every_script_has_a_help(self):
        for name in ("run", "test", "bench", "fuzz", "format"):
            done = subprocess.run([SOURCE / "scripts" / name, "--help"], env=clean_env(), capture_output=True, text=True, timeout=60, cwd="/")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertIn(f"scripts/{name}", done.stdout.splitlines()[0])


if __name__ == "__main__":
    harness.main()
