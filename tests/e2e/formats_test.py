"""docs/formats.md, read by somebody else's code: what Remit writes for others is checked here without a line of Remit's."""

import base64
import hashlib
import json
import re
import sqlite3

import harness
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

CROCKFORD = "[0-9a-hjkmnp-tv-z]"


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def canonical(value):
    """RFC 8785 for what Remit writes: no floats, and names whose order is that of their bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def event_leaf(index, salt, body):
    return sha256(b"\0", sha256(b"remit event v1\0", index.to_bytes(8, "big"), bytes([len(salt)]), salt, body))


def tree_root(leaves):
    """RFC 9162 section 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", tree_root(leaves[:k]), tree_root(leaves[k:]))


def root_from_path(leaf, index, size, path):
    """RFC 9162 section 2.1.3.2."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        assert sn > 0
        if fn & 1 or fn == sn:
            r = sha256(b"\1", p, r)
            while fn and not fn & 1:
                fn >>= 1
                sn >>= 1
        else:
            r = sha256(b"\1", r, p)
        fn >>= 1
        sn >>= 1
    assert sn == 0
    return r


def open_checkpoint(note, verifier):
    """c2sp.org/signed-note and tlog-checkpoint: origin, size, root. Raises unless the key signed it."""
    name, key_id, key = verifier.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == 1 and bytes.fromhex(key_id) == sha256(name.encode(), b"\n", key)[:4]
    text, signatures = note.split("\n\n", 1)
    text += "\n"
    signer, signature = re.fullmatch(r"\u2014 (\S+) (\S+)\n", signatures).groups()
    signature = base64.b64decode(signature)
    assert signer == name and signature[:4] == bytes.fromhex(key_id)
    ed25519.Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], text.encode())
    origin, size, root = text.splitlines()
    return origin, int(size), base64.b64decode(root)


def open_envelope(remit, envelope, *context):
    """What is sealed in it, by docs/formats.md and the master key alone."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    with open(f"{remit.dir}/etc/master.key", "rb") as file:
        master = file.read()
    fields = lambda *texts: b"".join(len(text).to_bytes(8, "big") + text for text in texts)
    unseal = lambda key, sealed, data: AESGCM(key).decrypt(sealed[1:13], sealed[13:], data)
    key_id, wrapped, sealed = envelope[1:17], envelope[17:78], envelope[78:]
    wrapping = HKDF(hashes.SHA256(), 32, b"remit master key v1", b"data keys").derive(master)
    data_key = unseal(wrapping, wrapped, fields(b"remit data key", key_id, fields(*context)))
    return unseal(data_key, sealed, fields(b"remit sealed text", fields(*context)))


def open_jws(jws, jwks, typ):
    head, payload, signature = jws.split(".")
    header = json.loads(harness.b64url_decode(head))
    assert header["typ"] == typ and header["alg"] == "ES256", header
    key = next(k for k in jwks["keys"] if k["kid"] == header["kid"])
    thumbprint = sha256(canonical({name: key[name] for name in ("crv", "kty", "x", "y")}))
    assert key["kid"] == harness.b64url(thumbprint)
    x, y = (int.from_bytes(harness.b64url_decode(key[c]), "big") for c in "xy")
    raw = harness.b64url_decode(signature)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key().verify(der, f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    return harness.b64url_decode(payload)


class Formats(harness.Case):
    def setUp(self):
        self.remit = self.server(catalogs=["deploy"])
        self.ci = self.remit.actor('Pipeline::"ci"')
        self.jwks = self.remit.api("GET", "/jwks").json

    def run_one(self):
        started = self.remit.start_task(self.ci, "deploy", {"service": "checkout", "environment": "prod"}, from_text=True)
        self.remit.complete(started)
        return started

    def test_a_receipt_is_checked_without_remit(self):
        started = self.run_one()
        for _ in range(3):
            self.run_one()  # so that the path has some height
        task = started["task"]["id"]
        receipt = self.remit.cli("receipt", task, "--json").json
        signed = open_jws(receipt.pop("jws"), self.remit.api("GET", "/jwks/receipts").json, "remit-receipt+jwt")
        self.assertEqual(signed, canonical(receipt))

        proof = receipt["proof"]
        leaf = event_leaf(proof["index"], bytes.fromhex(proof["salt"]), proof["event"].encode())
        self.assertEqual(leaf.hex(), proof["leaf"])
        origin, size, root = open_checkpoint(proof["checkpoint"], proof["checkpoint_key"])
        self.assertEqual(origin, "remit/" + receipt["installation"])
        self.assertEqual(root_from_path(leaf, proof["index"], size, [bytes.fromhex(p) for p in proof["path"]]), root)
        event = json.loads(proof["event"])
        self.assertEqual((event["type"], event["task"]), ("task.completed", task))
        self.assertEqual(canonical(event).decode(), proof["event"])
        page = (harness.SOURCE / "docs/formats.md").read_text()
        for member in receipt:
            self.assertIn(f"`{member}`", page)

        proof["event"] = proof["event"].replace("completed", "expired")
        self.assertNotEqual(event_leaf(proof["index"], bytes.fromhex(proof["salt"]), proof["event"].encode()).hex(), proof["leaf"])

    def test_ids_and_handles(self):
        started = self.run_one()
        self.assertRegex(started["task"]["id"], rf"^tsk_{CROCKFORD}{{26}}$")
        for handle, prefix in ((started["token"], "rmt_"), (started["holder"], "rmh_"), (self.ci.session(), "rma_")):
            self.assertRegex(handle, rf"^{prefix}[A-Za-z0-9_-]{{43}}$")
        self.assertRegex(self.remit.cli("target", "list", "--json").json["installation"], rf"^{CROCKFORD}{{12}}$")

    def test_a_token_for_a_resource_server(self):
        started = self.remit.start_task(self.ci, "deploy", {"service": "checkout", "environment": "prod"}, from_text=True)
        issued = self.remit.api("POST", f"/v1/tasks/{started['task']['id']}/token", {"audience": "https://deploy.example"}, bearer=started["token"]).json
        claims = json.loads(open_jws(issued["token"], self.jwks, "at+jwt"))
        self.assertEqual((claims["aud"], claims["jti"], claims["remit_task"]), ("https://deploy.example", issued["credential"], started["task"]["id"]))
        detail = claims["authorization_details"][0]
        self.assertEqual((detail["type"], detail["task_type"]), ("remit_task", "deploy"))
        self.assertEqual([p["resource"] for p in detail["permissions"]], ['Application::"checkout"', 'Environment::"prod"'])

    def test_the_stores_file(self):
        started = self.run_one()
        session = self.ci.session()
        self.remit.cli("secret", "put", "a/b", input="something\n")
        for _ in range(50):
            self.run_one()
        checkpoint = self.remit.cli("ledger", "checkpoint").stdout
        self.remit.stop()
        store = sqlite3.connect(self.remit.store)
        self.assertEqual([store.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version", "page_size")], [0x526D6974, 2, 1024])

        rows = store.execute("SELECT idx, leaf, root, salt, body FROM event ORDER BY idx").fetchall()
        leaves = [event_leaf(index, salt, body) for index, _, _, salt, body in rows]
        self.assertEqual(leaves, [row[1] for row in rows])
        size, root = int(checkpoint.splitlines()[1]), base64.b64decode(checkpoint.splitlines()[2])
        self.assertEqual(tree_root(leaves[:size]), root)
        for index, _, root, _, body in rows:
            self.assertEqual(canonical(json.loads(body)), body)
            if root is not None:
                self.assertEqual(tree_root(leaves[:index + 1]), root)
        tiles = dict(store.execute("SELECT id, hashes FROM tile").fetchall())
        self.assertEqual({id: len(hashes) for id, hashes in tiles.items()}, {n: 256 * 32 for n in range(len(leaves) // 256)})
        if tiles:
            self.assertEqual(tiles[0], b"".join(leaves[:256]))

        self.assertIsNotNone(store.execute("SELECT value FROM session WHERE key = ?", (hashlib.sha256(session.encode()).hexdigest().encode(),)).fetchone())
        ended = store.execute("SELECT value FROM ended_task WHERE key = ?", (started["task"]["id"].encode(),)).fetchone()[0]
        self.assertEqual(ended[:2], b"\2\3")  # form 2, completed
        self.assertIn(sha256(started["token"].encode()), ended)
        master = store.execute("SELECT value FROM meta WHERE key = ?", (b"master-key",)).fetchone()[0]
        with open(f"{self.remit.dir}/etc/master.key", "rb") as file:
            self.assertEqual(master.decode(), sha256(b"remit master key id v1\n", file.read())[:8].hex())
        secret = store.execute("SELECT value FROM secret WHERE key = ?", (b"a/b\x0000000001",)).fetchone()[0]
        self.assertEqual((secret[8], secret[9:25], len(secret)), (1, master, 8 + 1 + 16 + 61 + 29 + len("something")))
        store.close()

    def test_a_secret_opens_with_the_master_key_and_what_the_page_says(self):
        self.remit.cli("secret", "put", "a/b", input="something\n")
        self.remit.stop()
        store = sqlite3.connect(self.remit.store)
        row = store.execute("SELECT value FROM secret WHERE key = ?", (b"a/b\x0000000001",)).fetchone()[0]
        store.close()
        self.assertEqual(open_envelope(self.remit, row[8:], b"remit secret v1", b"a/b", b"1"), b"something")


if __name__ == "__main__":
    harness.main()
