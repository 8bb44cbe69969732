"""Proofs (RFC 6962, RFC 9162), checkpoints (section 10) and entries (section 9)."""

import re

from canonical import Refused, base64_bytes, canonical, need, parse_canonical, sha256
from shapes import (
    LARGEST_INTEGER, boolean, camera, hash64, hexadecimal, id32, listed, members, month, nullable, one_of, text,
    time_ms, version, whole,
)
from signatures import ed25519_holds

LONGEST_ENTRY = 262_144
LONGEST_PROOF = 64
LONGEST_NOTE = 65_536
MOST_NOTE_SIGNATURES = 64
MOST_FILES = 1_000
MOST_RENDITION_FILES = 401
MOST_RESEALED = 1_000
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
            need(seconds * 1_000 <= LARGEST_INTEGER, "a time that is none")
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
    whole(value["sizeBytes"], 1, 1 << 30)
    hash64(value["payloadSha256"])
    time_ms(value["fromMs"])
    time_ms(value["toMs"])
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


def _recorded(value):
    sealed_file(value)
    need("derivedFrom" not in value and "pixelated" not in value, "a recording made from another")


def _derived(value):
    sealed_file(value)
    need("derivedFrom" in value and value["track"] != "audio", "a rendition made of nothing")


def _resealed(value):
    members(value, ("segment", "track", "rendition", "payloadSha256", "headerSha256"))
    place(value)
    hash64(value["payloadSha256"])
    hash64(value["headerSha256"])


def _torn(value):
    members(value, ("name", "sizeBytes", "sha256"))
    text(value["name"], 0, 80)
    whole(value["sizeBytes"])
    hash64(value["sha256"])


def _at_most(longest):
    return lambda value: text(value, 0, longest)


def _switched_by(value):
    if value not in ("schedule", "timer", "broker"):
        hash64(value)


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
    "requestKind": _at_most(30),
    "channel": _at_most(30),
    "urgency": _at_most(20),
}
_RENDITION = {"clip": id32, "files": lambda value: listed(value, 1, MOST_RENDITION_FILES, _derived)}
_REPLACES = {"replaces": lambda value: listed(value, 0, MOST_RENDITION_FILES, hash64)}

# kind -> version -> members
ENTRIES = {
    "genesis": {1: {"origin": _at_most(200), "keyringHead": hash64}},
    "keyring": {1: {"epoch": whole, "change": _at_most(20), "keyringHead": hash64}},
    "clip": {
        1: {
            "clip": id32, "camera": camera, "event": _at_most(20), "fromMs": time_ms, "toMs": time_ms,
            "keyringHead": hash64, "files": lambda value: listed(value, 0, MOST_FILES, _recorded),
        }
    },
    "rendition": {
        2: {**_RENDITION, **_DEVICE},
        3: _RENDITION,
        4: {**_RENDITION, **_DEVICE, **_REPLACES},
    },
    "rewrap": {
        1: {
            "clip": id32, **_DEVICE, "keyringHead": hash64,
            "files": lambda value: listed(value, 1, MOST_RESEALED, _resealed),
        }
    },
    "torn": {1: {"clip": id32, "files": lambda value: listed(value, 0, MOST_FILES, _torn)}},
    "request": {1: _ASKED, 2: {**_ASKED, "secondsAsked": whole}},
    "decision": {1: _DECISION, 2: {**_DECISION, "secondsGranted": whole, "clearFaces": boolean, "audio": boolean}},
    "release": {1: {**_REQUEST, "files": lambda value: whole(value, 1, 400)}},
    "share": {1: {**_REQUEST, "shareSha256": hash64}},
    "access": {1: _REQUEST},
    "revocation": {1: _REQUEST, 2: {**_REQUEST, "revocationSha256": _nullable(hash64)}},
    "hold": {
        1: {"clip": id32, "untilMs": time_ms},
        2: {
            "request": id32, "clips": lambda value: whole(value, 0, 1_000), "untilMs": time_ms, **_DEVICE,
            "statementSha256": hash64,
        },
    },
    "assurance": {
        1: {
            "request": id32, "level": _words("none", "called_back", "met", "known_key"), **_DEVICE,
            "statementSha256": hash64,
        }
    },
    "deletion": {1: {"clip": id32, "reason": _at_most(40)}},
    "view": {1: {"clip": id32, **_DEVICE}},
    "live": {1: {"camera": camera, **_DEVICE}},
    "talk": {1: {"camera": camera, **_DEVICE}},
    "camera": {1: {"camera": camera, "state": _words("off", "on"), "by": _switched_by}},
    "settings": {1: {"settingsSha256": hash64}},
    "software": {1: {"version": _at_most(40)}},
    "clock": {1: {"jumpMs": lambda value: whole(value, -LARGEST_INTEGER)}},
    "heartbeat": {1: {"everyMs": lambda value: whole(value, 60_000, 86_400_000), "first": boolean}},
    "statement": {1: {"month": month, "statementSha256": hash64}},
    "restored": {1: {"by": _nullable(hash64), "copiedToMs": time_ms, "statementSha256": hash64}},
    "acceptance": {
        1: {"restored": whole, **_DEVICE, "seenSize": lambda value: whole(value, 1), "statementSha256": hash64}
    },
}


def check_entry(entry):
    """An entry of a known kind and shape."""
    need(isinstance(entry, dict), "an entry that is no object")
    versions = ENTRIES[one_of(entry.get("kind"), ENTRIES)]
    shapes = versions[version(entry, *versions)]
    members(entry, ("v", "kind", "atMs", *shapes))
    time_ms(entry["atMs"])
    for name, shape in shapes.items():
        shape(entry[name])
    if entry["kind"] == "rendition":
        _check_rendition(entry)
    return entry


def _check_rendition(entry):
    of_device = entry["v"] != 3
    for file in entry["files"]:
        need("pixelated" not in file or not of_device, "a device does not say how it blurred")
        need(file["rendition"] == "blurred" or not of_device, "a device makes blurred files")
        need(entry["v"] != 2 or file["track"] == "video", "version 2 is video only")
    need(entry["v"] == 4 or len(entry["files"]) < MOST_RENDITION_FILES, "too many files")
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
    """The files of a clip (section 9) by their place, without those that another took the place of."""
    originals = [file for file in clip["files"] if where(file)[1:] == ("video", "original")]
    replaced = {payload for entry in renditions for payload in entry.get("replaces", ())}
    found, payloads = {}, set()
    for entry in [clip, *renditions]:
        for file in entry["files"]:
            if entry is not clip:
                _check_derived(entry, file, originals)
                if file["payloadSha256"] in replaced:
                    continue
            need(file["payloadSha256"] not in payloads, "two files of one payload")
            need(where(file) not in found, "a file listed twice")
            payloads.add(file["payloadSha256"])
            found[where(file)] = file
    return found


def _check_derived(entry, file, originals):
    if entry["v"] == 3:
        need(("pixelated" in file) == (file["rendition"] == "blurred"), "blurred files say how, originals do not")
    sources = [each for each in originals if each["payloadSha256"] == file["derivedFrom"]]
    need(sources, "made from nothing that was recorded")
    source = sources[0]
    if file["track"] == "poster":
        need(source["fromMs"] <= file["fromMs"] and file["toMs"] <= source["toMs"], "a poster of another moment")
        return
    need(file["rendition"] == "blurred" and file["segment"] == source["segment"], "made from another segment")
    need((file["fromMs"], file["toMs"]) == (source["fromMs"], source["toMs"]), "made from another time")


__all__ = [name for name in dir() if not name.startswith("_")] + ["Refused", "hexadecimal"]
