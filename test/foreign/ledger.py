"""Proofs (RFC 6962, RFC 9162), checkpoints (section 10) and entries (section 9)."""

import re

from canonical import Refused, base64_bytes, canonical, need, parse_canonical, sha256
from keyring import _CHANGES as KEYRING_CHANGES
from shapes import (
    LARGEST_INTEGER, boolean, camera, hash64, hexadecimal, id32, listed, members, month, nullable, one_of, text,
    version, whole,
)
from signatures import ed25519_holds

LONGEST_ENTRY = 262_144
LONGEST_PROOF = 64
LONGEST_NOTE = 65_536
MOST_NOTE_SIGNATURES = 64
MOST_FILES = 65_536
KINDS_OF_REQUEST = (
    "police_voluntary", "police_emergency", "preservation", "subpoena", "court_order", "search_warrant", "lawyer",
    "insurer", "neighbour", "victim", "journalist", "data_subject", "household", "other",
)


# The tree


def leaf_hash(entry):
    return sha256(b"\0" + entry)


def node_hash(left, right):
    return sha256(b"\1" + left + right)


def tree_root(leaves):
    """RFC 6962 section 2.1, over leaf hashes."""
    stack = []
    for leaf in leaves:
        size = 1
        while stack and stack[-1][0] == size:
            leaf, size = node_hash(stack.pop()[1], leaf), size * 2
        stack.append((size, leaf))
    if not stack:
        return sha256(b"")
    root = stack.pop()[1]
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


def proof_hashes(value):
    need(isinstance(value, list) and len(value) <= LONGEST_PROOF, "a proof that is too long")
    return [base64_bytes(each, 32) for each in value]


def inclusion_holds(index, size, leaf, proof, root):
    """RFC 9162 section 2.1.3.2."""
    if index >= size:
        return False
    first, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            result = node_hash(sibling, result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and result == root


def consistency_holds(old_size, old_root, size, root, proof):
    """RFC 9162 section 2.1.4.2."""
    if old_size == 0 or old_size > size:
        return False
    if old_size == size:
        return not proof and old_root == root
    if old_size & (old_size - 1) == 0:
        proof = [old_root, *proof]
    if not proof:
        return False
    first, last = old_size - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and old == old_root and new == root


# Checkpoints


class Checkpoint:
    """A signed note, of which the ledger's signature and every cosignature were verified."""

    def __init__(self, note, chain):
        need(isinstance(note, str) and len(note.encode("utf-16-le", "surrogatepass")) <= 2 * LONGEST_NOTE, "no note")
        body, found, signatures = note.rpartition("\n\n")
        need(found and signatures.endswith("\n"), "no signed note")
        self.note, self.text = note, body + "\n"
        lines = body.split("\n")
        need(len(lines) == 3, "not origin, size and root")
        need(re.fullmatch("0|[1-9][0-9]{0,15}", lines[1]), "a size that is none")
        self.origin, self.size, self.root = lines[0], int(lines[1]), base64_bytes(lines[2], 32)
        need(self.size <= LARGEST_INTEGER, "a size that is none")
        need(self.origin == chain.origin, "a checkpoint of another ledger")
        need(self.origin == "doorward/" + sha256(chain.ledger_key).hex()[:32], "an origin that is not its key's")
        self.cosignatures = self._signatures(signatures[:-1].split("\n"), chain)

    def _signatures(self, lines, chain):
        need(len(lines) <= MOST_NOTE_SIGNATURES, "too many signatures")
        cosigners = {f"{self.origin}/device/{name[:32]}": it["key"] for name, it in chain.all_devices().items()}
        seen, ledger_signed = set(), False
        for line in lines:
            parts = line.split(" ")
            need(len(parts) == 3 and parts[0] == "—", "no signature line")
            signature = base64_bytes(parts[2])
            name, key_id, signature = parts[1], signature[:4], signature[4:]
            need((name, key_id) not in seen, "two signatures of one key")
            seen.add((name, key_id))
            if name == self.origin and key_id == _key_id(name, 1, chain.ledger_key):
                need(ed25519_holds(chain.ledger_key, signature, self.text.encode()), "not the ledger's signature")
                ledger_signed = True
                continue
            key = cosigners.get(name)
            need(key is not None and key_id == _key_id(name, 4, key), "signed by a stranger")
            need(len(signature) == 72, "a cosignature of another length")
            seconds = int.from_bytes(signature[:8], "big")
            message = f"cosignature/v1\ntime {seconds}\n{self.text}".encode()
            need(ed25519_holds(key, signature[8:], message), "a cosignature does not verify")
        need(ledger_signed, "not signed by the ledger")
        return len(lines) - 1


def _key_id(name, kind, key):
    return sha256(name.encode() + b"\n" + bytes([kind]) + key)[:4]


# Entries


def sealed_file(value):
    """Section 3's object for a file."""
    members(
        value,
        ("segment", "track", "rendition", "sizeBytes", "payloadSha256", "fromMs", "toMs"),
        ("derivedFrom", "pixelated"),
    )
    place(value)
    whole(value["sizeBytes"], 1)
    hash64(value["payloadSha256"])
    whole(value["fromMs"])
    whole(value["toMs"], value["fromMs"])
    if "derivedFrom" in value:
        hash64(value["derivedFrom"])
    if "pixelated" in value:
        one_of(value["pixelated"], ("faces", "whole"))


def place(value):
    one_of(value["track"], ("video", "audio", "poster"))
    one_of(value["rendition"], ("original", "blurred"))
    nullable(value["segment"], lambda segment: whole(segment, 0, 9999))
    need((value["segment"] is None) == (value["track"] == "poster"), "a poster has no segment, all else has")


def where(file):
    return file["segment"], file["track"], file["rendition"]


def _files(value):
    listed(value, 1, MOST_FILES, sealed_file)
    need(len({where(file) for file in value}) == len(value), "a file listed twice")


def _resealed(value):
    members(value, ("segment", "track", "rendition", "payloadSha256", "headerSha256"))
    place(value)
    hash64(value["payloadSha256"])
    hash64(value["headerSha256"])


def _torn(value):
    members(value, ("name", "sizeBytes", "sha256"))
    text(value["name"], 1, 200)
    whole(value["sizeBytes"])
    hash64(value["sha256"])


def _jump(value):
    need(abs(whole(value, -LARGEST_INTEGER)) >= 60_000, "a jump of less than a minute")


def _short(value):
    text(value, 1, 200)


def _nullable(item):
    return lambda value: nullable(value, item)


def _words(*choices):
    return lambda value: one_of(value, choices)


_DEVICE = {"device": hash64}
_REQUEST = {"request": id32, "decisionSha256": hash64}
_DECISION = {
    "request": id32,
    "outcome": _words("approved", "approved_in_part", "refused", "expired", "withdrawn"),
    "decisionSha256": _nullable(hash64),
    "keyringHead": hash64,
}
_ASKED = {
    "request": id32,
    "requestSha256": hash64,
    "requestKind": _short,
    "channel": _words("typed_by_owner", "intake_form", "sealed_file"),
    "urgency": _words("normal", "emergency"),
}
_RENDITION = {"clip": id32, "files": _files}
_REPLACES = {"replaces": lambda value: listed(value, 1, MOST_FILES, hash64)}

# kind -> version -> (members, optional members)
ENTRIES = {
    "genesis": {1: ({"origin": _short, "keyringHead": hash64}, {})},
    "keyring": {1: ({"epoch": whole, "change": _words(*KEYRING_CHANGES), "keyringHead": hash64}, {})},
    "clip": {
        1: (
            {
                "clip": id32, "camera": camera, "event": lambda value: None, "fromMs": whole, "toMs": whole,
                "keyringHead": hash64, "files": _files,
            },
            {},
        )
    },
    "rendition": {
        2: ({**_RENDITION, **_DEVICE}, {}),
        3: (_RENDITION, {}),
        4: ({**_RENDITION, **_DEVICE}, _REPLACES),
    },
    "rewrap": {
        1: (
            {
                "clip": id32, **_DEVICE, "keyringHead": hash64,
                "files": lambda value: listed(value, 1, MOST_FILES, _resealed),
            },
            {},
        )
    },
    "torn": {1: ({"clip": id32, "files": lambda value: listed(value, 1, MOST_FILES, _torn)}, {})},
    "request": {1: (_ASKED, {}), 2: ({**_ASKED, "secondsAsked": whole}, {})},
    "decision": {
        1: (_DECISION, {}),
        2: ({**_DECISION, "secondsGranted": whole, "clearFaces": boolean, "audio": boolean}, {}),
    },
    "release": {1: ({**_REQUEST, "files": lambda value: whole(value, 1)}, {})},
    "share": {1: ({**_REQUEST, "shareSha256": hash64}, {})},
    "access": {1: (_REQUEST, {})},
    "revocation": {1: (_REQUEST, {}), 2: ({**_REQUEST, "revocationSha256": _nullable(hash64)}, {})},
    "hold": {
        1: ({"clip": id32, "untilMs": whole}, {}),
        2: ({"request": id32, "clips": whole, "untilMs": whole, **_DEVICE, "statementSha256": hash64}, {}),
    },
    "assurance": {
        1: (
            {
                "request": id32, "level": _words("none", "called_back", "met", "known_key"), **_DEVICE,
                "statementSha256": hash64,
            },
            {},
        )
    },
    "deletion": {1: ({"clip": id32, "reason": _words("age", "space", "disk-full", "owner")}, {})},
    "view": {1: ({"clip": id32, **_DEVICE}, {})},
    "live": {1: ({"camera": camera, **_DEVICE}, {})},
    "talk": {1: ({"camera": camera, **_DEVICE}, {})},
    "camera": {
        1: (
            {
                "camera": camera, "state": _words("off", "on"),
                "by": lambda value: value in ("schedule", "timer") or hash64(value),
            },
            {},
        )
    },
    "settings": {1: ({"settingsSha256": hash64}, {})},
    "software": {1: ({"version": _short}, {})},
    "clock": {1: ({"jumpMs": _jump}, {})},
    "heartbeat": {1: ({"everyMs": lambda value: whole(value, 60_000, 86_400_000), "first": boolean}, {})},
    "statement": {1: ({"month": month, "statementSha256": hash64}, {})},
    "restored": {1: ({"by": _nullable(hash64), "copiedToMs": whole, "statementSha256": hash64}, {})},
    "acceptance": {1: ({"restored": whole, **_DEVICE, "seenSize": whole, "statementSha256": hash64}, {})},
}


def check_entry(entry):
    """An entry of a known kind and shape."""
    need(isinstance(entry, dict), "an entry that is no object")
    versions = ENTRIES[one_of(entry.get("kind"), ENTRIES)]
    required, optional = versions[version(entry, *versions)]
    members(entry, ("v", "kind", "atMs", *required), optional)
    whole(entry["atMs"])
    for name, shape in {**required, **optional}.items():
        if name in entry:
            shape(entry[name])
    if entry["kind"] == "clip":
        need(entry["fromMs"] <= entry["toMs"], "a clip that ends before it begins")
    if entry["kind"] == "rendition":
        _check_rendition(entry)
    return entry


def _check_rendition(entry):
    for file in entry["files"]:
        need("derivedFrom" in file, "a rendition made of nothing")
        need("pixelated" not in file or entry["v"] == 3, "a device does not say how it blurred")
        if entry["v"] == 3:
            need(("pixelated" in file) == (file["rendition"] == "blurred"), "blurred files say how, originals do not")
        else:
            need(file["rendition"] == "blurred", "a device makes blurred files")
        need(entry["v"] != 2 or file["track"] == "video", "version 2 is video only")
    need(len(entry.get("replaces", ())) <= len(entry["files"]), "replaces more than it lists")


def parse_entry(data):
    need(len(data) <= LONGEST_ENTRY, "an entry that is too long")
    return check_entry(parse_canonical(data))


def entry_bytes(entry):
    check_entry(entry)
    data = canonical(entry)
    need(len(data) <= LONGEST_ENTRY, "an entry that is too long")
    return data


def clip_files(clip, renditions):
    """The files of a clip (section 9), by their payload hash: what was replaced stays verifiable."""
    originals = {file["segment"]: file for file in clip["files"] if where(file)[1:] == ("video", "original")}
    found = {}
    for entry in [clip, *renditions]:
        for file in entry["files"]:
            need(file["payloadSha256"] not in found, "two files of one payload")
            found[file["payloadSha256"]] = file
            if entry is not clip:
                _check_derived(file, originals)
            else:
                need("pixelated" in file or file["rendition"] == "original", "a blurred file that does not say how")
    return found


def _check_derived(file, originals):
    if file["segment"] is not None:
        source = originals.get(file["segment"])
        same = source and (source["fromMs"], source["toMs"]) == (file["fromMs"], file["toMs"])
        need(same and source["payloadSha256"] == file["derivedFrom"], "made from something else")
        return
    sources = [each for each in originals.values() if each["payloadSha256"] == file["derivedFrom"]]
    inside = sources and sources[0]["fromMs"] <= file["fromMs"] <= sources[0]["toMs"]
    need(inside, "a poster made from something else")


__all__ = [name for name in dir() if not name.startswith("_")] + ["Refused", "hexadecimal"]
