"""The owners' signed decision (section 7), as a bundle carries it."""

from age import Header, recipient_kind
from canonical import base64_bytes, canonical, need, sha256
from ledger import consistency_holds, place, sealed_file, where
from shapes import camera, hash64, id32, listed, members, nullable, one_of, text, time_ms, version, whole
from signatures import Envelope, device_signed
from words import words

MOST_FILES, MOST_CLIPS = 400, 64
LONGEST_HEADER = 4_096
LARGEST_TOGETHER = 1 << 30
SKEW_MS = 120_000
LONGEST_FETCH_MS = 366 * 86_400_000
_TERMS = (
    "v", "origin", "request", "requestSha256", "outcome", "clips", "redactions", "recipient", "recipientWords",
    "purpose", "notBeforeMs", "notAfterMs", "nonce", "checkpoint", "keyringEpoch", "keyringHead",
)


def _clip(value):
    members(value, ("clip", "camera", "fromMs", "toMs", "files"))
    id32(value["clip"])
    camera(value["camera"])
    time_ms(value["fromMs"])
    time_ms(value["toMs"])
    listed(value["files"], 1, MOST_FILES, sealed_file)


def _release(value):
    members(value, ("clip", "segment", "track", "rendition", "header"))
    id32(value["clip"])
    place(value)
    text(value["header"], 1, LONGEST_HEADER)


def _terms(value):
    members(value, _TERMS, ("availableUntilMs", "viewerSha256"))
    version(value, 1)
    text(value["origin"], 1, 200)
    id32(value["request"])
    one_of(value["outcome"], ("approved", "approved_in_part", "refused"))
    listed(value["clips"], 0, MOST_CLIPS, _clip)
    members(value["redactions"], ("faces", "audio"))
    one_of(value["redactions"]["faces"], ("none", "clear", "blurred", "mixed"))
    one_of(value["redactions"]["audio"], ("included", "left_out"))
    nullable(value["recipient"], lambda recipient: text(recipient, 1, 2048))
    listed(value["recipientWords"], 0, 8, lambda word: text(word, 1, 20))
    text(value["purpose"], 0, 1_000)
    whole(value["keyringEpoch"])
    time_ms(value["notBeforeMs"])
    time_ms(value["notAfterMs"])
    for name in ("requestSha256", "nonce", "keyringHead"):
        hash64(value[name])
    members(value["checkpoint"], ("size", "root"))
    whole(value["checkpoint"]["size"])
    hash64(value["checkpoint"]["root"])
    if "availableUntilMs" in value:
        time_ms(value["availableUntilMs"])
    if "viewerSha256" in value:
        hash64(value["viewerSha256"])


class Decision:
    def __init__(self, value):
        self.envelope = Envelope(value, "decision")
        payload = members(self.envelope.payload, ("terms", "release"))
        self.terms, self.release = payload["terms"], payload["release"]
        _terms(self.terms)
        listed(self.release, 0, MOST_FILES, _release)
        self.sha256 = self.envelope.sha256
        self.files = [(clip, file) for clip in self.terms["clips"] for file in clip["files"]]

    def seconds_granted(self):
        return -(-sum(clip["toMs"] - clip["fromMs"] for clip in self.terms["clips"]) // 1000)

    def verify(self, keyring, request, at_ms, recordings, seen, checkpoint):
        """An approval, by the checks of section 7; the nonce nobody can judge afterwards."""
        terms = self.terms
        need(terms["outcome"] != "refused", "a refusal")
        self._belongs(keyring, request)
        need(
            consistency_holds(
                terms["checkpoint"]["size"], bytes.fromhex(terms["checkpoint"]["root"]),
                checkpoint.size, checkpoint.root, seen,
            ),
            "the owner saw another ledger",
        )
        need(terms["notBeforeMs"] - SKEW_MS <= at_ms <= terms["notAfterMs"], "not at its time")
        need(terms["notAfterMs"] <= request.record["expiresAtMs"], "after the request expired")
        self._signed(keyring)
        self._recipient(request, at_ms)
        self._files(recordings)
        self._headers()
        self._ranges()

    def _belongs(self, keyring, request):
        terms = self.terms
        need(terms["origin"] == keyring.origin, "a decision of another household")
        need(terms["request"] == request.record["request"], "a decision on another request")
        need(terms["requestSha256"] == request.sha256, "a decision on a request that was changed")
        need(terms["keyringEpoch"] == keyring.epoch, "another epoch")
        need(terms["keyringHead"] == keyring.head, "another keyring")

    def _signed(self, keyring):
        challenge, persons = sha256(canonical(self.terms)), set()
        for signature in self.envelope.signatures:
            device = keyring.owner_device(signature["keyid"])
            need(device is not None, "signed by no owner's device in force")
            device_signed(self.envelope, signature, device, challenge)
            need(device["person"] not in persons, "a person signed twice")
            persons.add(device["person"])
        need(len(persons) >= keyring.policy["exportSigners"], "too few owners signed")

    def _recipient(self, request, at_ms):
        terms = self.terms
        self.kind = recipient_kind(terms["recipient"])
        asked = request.record["asked"].get("recipient", terms["recipient"])
        need(terms["recipient"] == asked, "for another recipient than asked for")
        need(terms["recipientWords"] == words("recipient", terms["recipient"].encode(), 8), "other words")
        until = terms.get("availableUntilMs", at_ms + 1)
        need(until > at_ms, "its time to be fetched was over")
        need(until <= terms["notBeforeMs"] + LONGEST_FETCH_MS, "to be fetched for too long")

    def _files(self, recordings):
        need(1 <= len(self.files) <= MOST_FILES, "too many files, or none")
        need(len(self.release) == len(self.files), "not a header for each file")
        size = sum(file["sizeBytes"] for _, file in self.files)
        need(size <= LARGEST_TOGETHER, "more than a bundle has room for")
        places = {(clip["clip"], where(file)) for clip, file in self.files}
        need(len(places) == len(self.files), "a file twice")
        for clip, file in self.files:
            recorded_by, recorded = recordings.get(clip["clip"], (None, {}))
            need(recorded_by == clip["camera"], "no such clip of that camera in the ledger")
            need(recorded.get(where(file)) == file, "a file that the ledger has not so")

    def _headers(self):
        for (clip, file), release in zip(self.files, self.release):
            need((release["clip"], where(release)) == (clip["clip"], where(file)), "a header of another file")
            header = Header(base64_bytes(release["header"]))
            need(header.size == len(base64_bytes(release["header"])), "something after a header")
            need(header.kind() == self.kind, "a header for another kind of key")

    def _ranges(self):
        for clip in self.terms["clips"]:
            need(clip["fromMs"] == min(file["fromMs"] for file in clip["files"]), "a range of no file")
            need(clip["toMs"] == max(file["toMs"] for file in clip["files"]), "a range of no file")
        pictures = {file["rendition"] for _, file in self.files if file["track"] != "audio"}
        faces = "none" if not pictures else "mixed" if len(pictures) == 2 else ""
        faces = faces or ("clear" if pictures == {"original"} else "blurred")
        audio = any(file["track"] == "audio" for _, file in self.files)
        found = {"faces": faces, "audio": "included" if audio else "left_out"}
        need(self.terms["redactions"] == found, "redactions that the files do not have")
