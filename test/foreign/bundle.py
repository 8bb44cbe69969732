"""Bundles (section 11): the seven checks, in their order."""

import hashlib

from canonical import Refused, base64_bytes, need, parse_canonical, sha256_hex
from decision import Decision
from keyring import Chain
from ledger import Checkpoint, clip_files, inclusion_holds, leaf_hash, parse_entry, proof_hashes, where
from readme import readme
from request import Request
from shapes import listed, members, text, version, whole
import stored_zip

LONGEST_MEMBER = 64 << 20
LONGEST_VIEWER = 256_000
MOST_ENTRIES = 136
CHECKS = (
    "the file is a bundle, byte for byte as written",
    "the keyring is one signed chain",
    "the ledger signed the checkpoint, and so did no stranger",
    "every entry is in the ledger",
    "the request is the one in the ledger",
    "the owners signed this approval",
    "nothing but what was signed for is inside",
)
_FIRST = ["README.txt", "decision.json", "request.json", "keyring.json", "proofs.json", "hashes.txt"]


def looks_like_bundle(source, length):
    source.seek(0)
    start = source.read(4_000_000)
    source.seek(max(0, length - 65_536))
    end = source.read()
    return any(name in part for part in (start, end) for name in (b"decision.json", b"proofs.json", b"hashes.txt"))


def _proved(value):
    members(value, ("index", "entry", "proof"))
    whole(value["index"])


class Bundle:
    def __init__(self, source, length):
        self.source, self.length = source, length

    def checks(self):
        return zip(CHECKS, (
            self._read, self._keyring, self._checkpoint, self._entries, self._request, self._approval, self._contents,
        ))

    def _read(self):
        found = stored_zip.members(self.source, self.length)
        self.order = [member.name for member in found]
        self.members = {member.name: member for member in found}
        need(all(name in self.members for name in _FIRST), "a member is missing")
        self.request = Request(self._bytes("request.json"))
        self.decision = Decision(parse_canonical(self._bytes("decision.json")))
        self.statements = parse_canonical(self._bytes("keyring.json"))
        self.proofs = members(
            parse_canonical(self._bytes("proofs.json")), ("v", "checkpoint", "seen", "entries")
        )
        version(self.proofs, 1)
        text(self.proofs["checkpoint"])
        listed(self.proofs["entries"], 3, MOST_ENTRIES, _proved)

    def _bytes(self, name):
        return self.members[name].read(LONGEST_MEMBER)

    def _keyring(self):
        self.chain = Chain(self.statements)

    def _checkpoint(self):
        self.checkpoint = Checkpoint(self.proofs["checkpoint"], self.chain)
        self.cosignatures = self.checkpoint.cosignatures

    def _entries(self):
        self.entries, seen = [], set()
        for proved in self.proofs["entries"]:
            data = base64_bytes(proved["entry"])
            entry = parse_entry(data)
            need(proved["index"] not in seen, "an entry twice")
            seen.add(proved["index"])
            holds = inclusion_holds(
                proved["index"], self.checkpoint.size, leaf_hash(data), proof_hashes(proved["proof"]),
                self.checkpoint.root,
            )
            need(holds, "an entry that the ledger has not")
            self.entries.append(entry)

    def _of_kind(self, kind):
        return [entry for entry in self.entries if entry["kind"] == kind]

    def _only(self, kind):
        found = self._of_kind(kind)
        need(len(found) == 1, f"not exactly one entry of kind {kind}")
        return found[0]

    def _request(self):
        entry = self._only("request")
        record = self.request.record
        need(entry["request"] == record["request"], "the entry of another request")
        need(entry["requestSha256"] == self.request.sha256, "the request was changed")
        asked = record["asked"]
        same = entry["requestKind"], entry["channel"], entry["urgency"]
        need(same == (asked["kind"], record["channel"], asked["urgency"]), "the ledger calls the request another")
        need(entry["v"] != 2 or entry["secondsAsked"] == self.request.seconds_asked(), "other amounts than asked for")

    def _recordings(self):
        """clip -> its camera, and its files by payload hash."""
        found = {}
        for clip in self._of_kind("clip"):
            need(clip["clip"] not in found, "a clip twice")
            renditions = [entry for entry in self._of_kind("rendition") if entry["clip"] == clip["clip"]]
            found[clip["clip"]] = clip["camera"], clip_files(clip, renditions)
        return found

    def _only_its_own(self):
        """No entry but those of this request, its decision, and the files that leave."""
        own = {"request", "decision", "release", "clip", "rendition"}
        need(all(entry["kind"] in own for entry in self.entries), "an entry that does not belong to it")
        leaving = {(clip["clip"], where(file)) for clip, file in self.decision.files}
        clips = {clip for clip, _ in leaving}
        need(all(entry["clip"] in clips for entry in self._of_kind("clip")), "the entry of another clip")
        for entry in self._of_kind("rendition"):
            need(any((entry["clip"], where(file)) in leaving for file in entry["files"]), "of nothing that leaves")

    def _approval(self):
        entry, release, decision = self._only("decision"), self._only("release"), self.decision
        terms = decision.terms
        keyring = self.chain.at(terms["keyringEpoch"])
        seen = proof_hashes(self.proofs["seen"])
        decision.verify(keyring, self.request, entry["atMs"], self._recordings(), seen, self.checkpoint)
        self._only_its_own()
        for each in (entry, release):
            need(each["request"] == terms["request"], "an entry of another request")
            need(each["decisionSha256"] == decision.sha256, "an entry of another decision")
        need(entry["outcome"] == terms["outcome"], "another outcome in the ledger")
        need(entry["keyringHead"] == terms["keyringHead"], "another keyring in the ledger")
        need(release["files"] == len(decision.files), "another number of files in the ledger")
        if entry["v"] == 2:
            granted = decision.seconds_granted(), terms["redactions"]["faces"] in ("clear", "mixed")
            need((entry["secondsGranted"], entry["clearFaces"]) == granted, "other amounts than granted")
            need(entry["audio"] == (terms["redactions"]["audio"] == "included"), "other amounts than granted")

    def file_names(self):
        names = []
        for clip, file in self.decision.files:
            segment = "" if file["segment"] is None else f"{file['segment']:03}."
            sealed = f"{segment}{file['track']}.{file['rendition']}.age"
            names.append(f"files/{clip['camera']}-{clip['clip'][:8]}-{sealed}")
        return names

    def _contents(self):
        viewer = self.decision.terms.get("viewerSha256")
        first = _FIRST[:1] + (["viewer.html"] if viewer else []) + _FIRST[1:]
        need(self.order == first + self.file_names(), "a member too many, missing or in another place")
        if viewer:
            page = self.members["viewer.html"].read(LONGEST_VIEWER)
            need(sha256_hex(page) == viewer, "the viewer was changed")
        whole_hashes = []
        for name, (_, file), release in zip(self.file_names(), self.decision.files, self.decision.release):
            header = base64_bytes(release["header"])
            whole_hashes.append(self._sealed(self.members[name], header, file))
        sheet = "".join(f"{each}  {name}\n" for each, name in zip(whole_hashes, self.file_names()))
        need(self._bytes("hashes.txt") == sheet.encode(), "another hash sheet than follows from the files")
        need(self._bytes("README.txt") == readme(self.decision).encode(), "another README than follows from the terms")

    def _sealed(self, member, header, file):
        """The hash of a whole age file, after its header and its payload were held against the decision."""
        complete, payload, start = hashlib.sha256(), hashlib.sha256(), b""
        for piece in member.pieces():
            complete.update(piece)
            if len(start) < len(header):
                start += piece
                piece = start[len(header):]
                if len(start) < len(header):
                    continue
            payload.update(piece)
        need(start[: len(header)] == header, "a file without its signed header")
        need(payload.hexdigest() == file["payloadSha256"], "a recording was changed")
        return complete.hexdigest()


__all__ = ["Bundle", "CHECKS", "Refused", "looks_like_bundle"]
