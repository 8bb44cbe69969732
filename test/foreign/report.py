"""Transparency reports (section 15): the nine checks, in their order."""

from canonical import Refused, canonical, need, parse_canonical
from keyring import Chain
from ledger import KINDS_OF_REQUEST, Checkpoint, entry_bytes, leaf_hash, tree_root
from shapes import hash64, listed, members, text, time_ms, version, whole
from signatures import Envelope

LONGEST = 64 << 20
MOST_ENTRIES = 200_000
CHECKS = (
    "the file is a report, byte for byte as written",
    "the keyring is one signed chain",
    "the ledger signed the checkpoint, and a device of the household cosigned it",
    "no entry of the ledger is missing, added or changed",
    "the ledger has this keyring",
    "an owner's device signed this report",
    "the figures are those of the entries",
    "nothing left without an owner's approval",
    "every decision and revocation has its place",
)
_LATER = ("lapses", "shares", "preservations", "rewraps", "heartbeats", "statements")
_FIGURES = (
    "fromMs", "toMs", "entries", "recordings", "torn", "deletions", "holds", "views", "live", "releases",
    "releasedFiles", "accesses", "revocations", "outOfPlace", "disclosuresWithoutApproval",
)
_ROW = ("received", "emergency", "approved", "approvedInPart", "refused", "expired", "withdrawn", "open")
_ROW_LATER = ("secondsAsked", "secondsGranted", "clearFaces", "audio", "withoutSeconds", "assured")
_OUTCOMES = {
    "approved": "approved", "approved_in_part": "approvedInPart", "refused": "refused", "expired": "expired",
    "withdrawn": "withdrawn",
}
_APPROVALS = ("approved", "approved_in_part")


def figure_names(v):
    """The members of `figures` but for `requests`, and those of one of its rows but for `kind`."""
    names = _FIGURES + (_LATER if v >= 2 else ()) + (("switchedOff",) if v >= 3 else ())
    return names + (("restored",) if v >= 4 else ()), _ROW + (_ROW_LATER if v >= 2 else ())


def looks_like_report(data):
    return b'"format":"doorward-report/v1"' in data or b"application/vnd.doorward.report+json" in data


class _Asked:
    """What became of one request."""

    def __init__(self, row):
        self.row, self.outcome, self.approval = row, None, None
        self.revoked = self.released = self.assured = False


class Count:
    """Reads entries once, oldest first."""

    def __init__(self):
        self.figures = dict.fromkeys((*_FIGURES, *_LATER, "switchedOff", "restored"), 0)
        self.rows, self.requests, self.decided = {}, {}, set()
        self.head, self.times = None, []

    def read(self, entry):
        figures, kind = self.figures, entry["kind"]
        figures["entries"] += 1
        self.times.append(entry["atMs"])
        simple = {
            "clip": "recordings", "torn": "torn", "deletion": "deletions", "view": "views", "live": "live",
            "share": "shares", "rewrap": "rewraps", "heartbeat": "heartbeats", "statement": "statements",
            "release": "releases", "access": "accesses", "restored": "restored",
        }
        if kind in simple:
            figures[simple[kind]] += 1
        if kind in ("genesis", "keyring"):
            self.head = entry["keyringHead"]
        elif kind == "hold" and entry["untilMs"] > entry["atMs"]:
            figures["holds" if entry["v"] == 1 else "preservations"] += 1
        elif kind == "camera":
            figures["switchedOff"] += entry["state"] == "off"
        elif kind in ("request", "decision", "assurance", "revocation"):
            figures["outOfPlace"] += not getattr(self, "_" + kind)(entry)
        elif kind in ("release", "share", "access"):
            figures["disclosuresWithoutApproval"] += not self._disclosure(entry)

    def _request(self, entry):
        if entry["request"] in self.requests:
            return False
        need(entry["requestKind"] in KINDS_OF_REQUEST, "a kind of request that cannot be counted")
        row = self.rows.setdefault(entry["requestKind"], dict.fromkeys(_ROW + _ROW_LATER, 0))
        self.requests[entry["request"]] = _Asked(row)
        row["received"] += 1
        row["open"] += 1
        row["emergency"] += entry["urgency"] == "emergency"
        row["withoutSeconds"] += entry["v"] == 1
        row["secondsAsked"] += entry.get("secondsAsked", 0)
        return True

    def _decision(self, entry):
        asked, outcome, decided = self.requests.get(entry["request"]), entry["outcome"], entry["decisionSha256"]
        if asked is None or asked.outcome is not None:
            return False
        if decided is None:
            if outcome not in ("expired", "withdrawn"):
                return False
        elif outcome == "expired" or entry["keyringHead"] != self.head or decided in self.decided:
            return False
        approval = outcome in _APPROVALS
        if entry["v"] == 2 and not approval and (entry["secondsGranted"] or entry["clearFaces"] or entry["audio"]):
            return False
        asked.outcome = outcome
        asked.row["open"] -= 1
        asked.row[_OUTCOMES[outcome]] += 1
        if decided is not None:
            self.decided.add(decided)
        if approval:
            asked.approval = decided
            asked.row["withoutSeconds"] += entry["v"] == 1
            for name in ("secondsGranted", "clearFaces", "audio"):
                asked.row[name] += int(entry.get(name, 0))
        return True

    def _assurance(self, entry):
        asked = self.requests.get(entry["request"])
        if asked is not None and entry["level"] != "none" and not asked.assured:
            asked.assured = True
            asked.row["assured"] += 1
        return asked is not None

    def _approved(self, entry):
        asked = self.requests.get(entry["request"])
        names = asked and asked.approval is not None and asked.approval == entry["decisionSha256"]
        return asked if names and not asked.revoked else None

    def _revocation(self, entry):
        asked = self._approved(entry)
        if asked is None:
            return False
        asked.revoked = True
        is_lapse = entry["v"] == 2 and entry["revocationSha256"] is None
        self.figures["lapses" if is_lapse else "revocations"] += 1
        return True

    def _disclosure(self, entry):
        asked = self._approved(entry)
        if entry["kind"] != "release":
            return asked is not None and asked.released
        self.figures["releasedFiles"] += entry["files"]
        if asked is None or asked.released:
            return False
        asked.released = True
        return True

    def result(self, v):
        figures = {**self.figures, "fromMs": min(self.times, default=0), "toMs": max(self.times, default=0)}
        names, row_names = figure_names(v)
        counted = {name: figures[name] for name in names}
        counted["requests"] = [
            {"kind": kind, **{name: self.rows[kind][name] for name in row_names}}
            for kind in KINDS_OF_REQUEST
            if kind in self.rows
        ]
        return counted


class Report:
    def __init__(self, data):
        self.data = data

    def checks(self):
        return zip(CHECKS, (
            self._read, self._keyring, self._checkpoint, self._entries, self._same_keyring, self._signed,
            self._figures, self._approvals, self._places,
        ))

    def _read(self):
        need(len(self.data) <= LONGEST, "a report that is too long")
        self.file = members(parse_canonical(self.data), ("format", "checkpoint", "keyring", "entries", "report"))
        need(self.file["format"] == "doorward-report/v1", "no report")
        text(self.file["checkpoint"])
        listed(self.file["entries"], 0, MOST_ENTRIES, lambda entry: None)
        self.envelope = Envelope(self.file["report"], "report")
        payload = self.payload = self.envelope.payload
        members(payload, ("v", "origin", "atMs", "checkpoint", "keyringEpoch", "keyringHead", "figures"))
        version(payload, 1, 2, 3, 4)
        text(payload["origin"], 1, 200)
        time_ms(payload["atMs"])
        whole(payload["keyringEpoch"])
        hash64(payload["keyringHead"])
        members(payload["checkpoint"], ("size", "root"))
        whole(payload["checkpoint"]["size"], 1)
        hash64(payload["checkpoint"]["root"])
        names, row_names = figure_names(payload["v"])
        members(payload["figures"], (*names, "requests"))
        for name in names:
            whole(payload["figures"][name])
        listed(payload["figures"]["requests"], 0, len(KINDS_OF_REQUEST), lambda row: members(row, ("kind", *row_names)))

    def _keyring(self):
        self.chain = Chain(self.file["keyring"])

    def _checkpoint(self):
        self.checkpoint = Checkpoint(self.file["checkpoint"], self.chain)
        self.cosignatures = self.checkpoint.cosignatures
        need(self.cosignatures > 0, "cosigned by no device")

    def _entries(self):
        entries = self.file["entries"]
        need(len(entries) == self.checkpoint.size, "as many entries as the checkpoint says")
        root = tree_root(leaf_hash(entry_bytes(entry)) for entry in entries)
        need(root == self.checkpoint.root, "entries that the ledger signed otherwise")

    def _same_keyring(self):
        heads = [entry["keyringHead"] for entry in self.file["entries"] if entry["kind"] == "keyring"]
        need(heads == self.chain.heads, "another keyring than the ledger's")

    def _signed(self):
        payload, keyring = self.payload, self.chain.last
        for signature in self.envelope.signatures:
            device = keyring.owner_device(signature["keyid"])
            need(device is not None, "signed by no owner's device in force")
            need("assertion" not in signature, "a report is signed without assertion")
            need(self.envelope.holds(signature, device["key"]), "a signature does not verify")
        need(payload["origin"] == self.chain.origin, "the report of another household")
        need(payload["checkpoint"]["size"] == self.checkpoint.size, "a report of another size")
        need(payload["checkpoint"]["root"] == self.checkpoint.root.hex(), "a report of another ledger")
        need(payload["keyringEpoch"] == keyring.epoch, "a report under another epoch")
        need(payload["keyringHead"] == keyring.head, "a report under another keyring")

    def _figures(self):
        count = Count()
        for entry in self.file["entries"]:
            count.read(entry)
        # As bytes: to Python, true and 1 are the same.
        counted = canonical(count.result(self.payload["v"]))
        need(counted == canonical(self.payload["figures"]), "counted again, the figures differ")

    def _approvals(self):
        need(self.payload["figures"]["disclosuresWithoutApproval"] == 0, "something left without approval")

    def _places(self):
        need(self.payload["figures"]["outOfPlace"] == 0, "an entry without its place")


__all__ = ["Report", "CHECKS", "Refused", "looks_like_report"]
