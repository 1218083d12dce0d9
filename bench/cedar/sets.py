"""Policy sets of any size, and requests for them: scopes that miss, scopes that hit a fixed few, conditions that are all looked at."""

import json
import pathlib

ACTIONS = ["view", "edit", "share", "delete", "print"]


def uid(kind, name):
    return {"type": kind, "id": name}


def write(folder, name, policies, requests, entities):
    folder = pathlib.Path(folder) / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policies.cedar").write_text("\n".join(policies) + "\n")
    (folder / "requests.json").write_text(json.dumps(requests))
    (folder / "entities.json").write_text(json.dumps(entities))
    return {"policies": folder / "policies.cedar", "requests": folder / "requests.json", "entities": folder / "entities.json"}


USERS = [{"uid": uid("User", f"u{i}"), "attrs": {"level": i % 7}, "parents": [uid("Team", f"t{i % 5}")]} for i in range(50)]
TEAMS = [{"uid": uid("Team", f"t{i}"), "attrs": {}, "parents": []} for i in range(5)]
DOCS = [{"uid": uid("Doc", f"d{i}"), "attrs": {"owner": {"__entity": uid("User", f"u{i}")}, "size": i}, "parents": [uid("Folder", f"f{i % 5}")]} for i in range(50)]
STORE = USERS + TEAMS + DOCS


def request(i, user=None, doc=None):
    return {"principal": uid("User", user or f"u{i % 50}"), "action": uid("Action", ACTIONS[i % 5]), "resource": uid("Doc", doc or f"d{i % 50}"), "context": {"n": i}}


def selective(n):
    """Each policy is about a user of its own."""
    return [f'permit (principal == User::"someone{i}", action == Action::"{ACTIONS[i % 5]}", resource == Doc::"d{i % 50}");' for i in range(n)]


# Five that every request of `hits` meets or misses the same way, whatever else there is.
FEW = [f'permit (principal in Team::"t{i}", action in [Action::"view", Action::"edit"], resource in Folder::"f{i}") when {{ resource.size < 40 }};' for i in range(5)]


def misses(folder, n):
    """No policy's scope fits: the store's users are none of the policies'."""
    return write(folder, f"misses_{n}", selective(n), [request(i) for i in range(20)], STORE)


def hits(folder, n):
    """One scope fits: the matching policies stay the same while others are added."""
    return write(folder, f"hits_{n}", FEW + selective(n - 5), [request(i) for i in range(20)], STORE)


def conditions(folder, n):
    """Every scope fits, half of the conditions hold."""
    policies = [f"permit (principal, action, resource) when {{ resource.size + {i} > context.n && principal.level {'>=' if i % 2 else '<'} 0 }};" for i in range(n)]
    return write(folder, f"conditions_{n}", policies, [request(0, doc=f"d{i % 50}") for i in range(20)], STORE)


SCHEMA = """
entity Team; entity Folder;
entity User in [Team] = { level: Long };
entity Doc in [Folder] = { owner: User, size: Long, public?: Bool };
action view, edit, share, delete, print appliesTo { principal: [User], resource: [Doc], context: { n: Long } };
"""


def realistic(folder, n):
    """Policies as people write them, valid against a schema: for parsing, validating and loading."""
    kinds = [
        'permit (principal in Team::"t{i}", action == Action::"view", resource in Folder::"f{i}") when {{ resource.owner == principal || resource.size < {i} }};',
        'permit (principal == User::"u{i}", action in [Action::"edit", Action::"share"], resource) when {{ principal.level >= 3 && context.n != {i} }};',
        'forbid (principal, action == Action::"delete", resource == Doc::"d{i}") unless {{ resource has public && resource.public }};',
        '@note("rule {i}")\npermit (principal is User in Team::"t{i}", action, resource is Doc) when {{ [1, 2, {i}].contains(principal.level) }};',
    ]
    files = write(folder, f"realistic_{n}", [kinds[i % 4].format(i=i) for i in range(n)], [request(i) for i in range(20)], STORE)
    files["schema"] = files["policies"].parent / "schema.cedarschema"
    files["schema"].write_text(SCHEMA)
    return files
