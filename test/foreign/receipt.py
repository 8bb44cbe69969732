"""Receipts and monthly statements (sections 15.1 and 15.2)."""

import datetime
import re
import unicodedata

from canonical import Refused, base64_bytes, need, parse_canonical, sha256
from keyring import Chain
from ledger import Checkpoint, consistency_holds, entry_bytes, inclusion_holds, leaf_hash, proof_hashes
from shapes import hash64, members, month, one_of, text, time_ms, version, whole
from signatures import Envelope, device_signed

LONGEST = 8 << 20
MAGIC = b"c2sp.org/tlog-proof@v1\n"
CHECKS = (
    "the file is a receipt, byte for byte as written",
    "the keyring is one signed chain",
    "the ledger signed the checkpoint, and a device of the household cosigned it",
    "the entry is in the ledger",
    "an owner's device signed this statement",
)
_NO_WORDS = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
_TEXTS = {
    "en": "In the month {month}, until I signed this, I received no order and no request about the recordings or the "
    "data of this household that I am not allowed to mention.",
    "fr": "Durant le mois {month}, jusqu’au moment de cette signature, je n’ai reçu aucun ordre ni aucune demande au "
    "sujet des enregistrements ou des données de ce foyer dont je n’aie pas le droit de faire état.",
}
_STATEMENT = (
    "v", "origin", "month", "language", "text", "ownWords", "checkpoint", "keyringEpoch", "keyringHead", "atMs",
)


class Receipt:
    def __init__(self, data, must_be_statement=False):
        self.data, self.must_be_statement = data, must_be_statement

    def checks(self):
        yield CHECKS[0], self._read
        yield CHECKS[1], self._keyring
        yield CHECKS[2], self._checkpoint
        yield CHECKS[3], self._entry
        if self.entry["kind"] == "statement" or self.must_be_statement:
            yield CHECKS[4], self._statement

    def _read(self):
        need(len(self.data) <= LONGEST, "a receipt that is too long")
        try:
            head, blank, self.note = self.data.decode("utf-8").partition("\n\n")
        except UnicodeDecodeError:
            raise Refused("not UTF-8") from None
        need(blank, "a receipt without checkpoint")
        lines = head.split("\n")
        need(len(lines) >= 3 and lines[0].encode() + b"\n" == MAGIC, "no receipt")
        need(lines[1].startswith("extra ") and lines[2].startswith("index "), "no receipt")
        need(re.fullmatch("0|[1-9][0-9]{0,15}", lines[2][6:]), "an index that is none")
        self.index, self.proof = int(lines[2][6:]), proof_hashes(lines[3:])
        self.extra = parse_canonical(base64_bytes(lines[1][6:], largest=LONGEST))
        members(self.extra, ("format", "entry", "keyring"), ("statement",))
        need(self.extra["format"] == "doorward-receipt/v1", "no receipt")
        self.entry = self.extra["entry"]
        need(isinstance(self.entry, dict), "an entry that is no object")
        is_statement = self.entry.get("kind") == "statement"
        need(("statement" in self.extra) == is_statement, "a statement without its entry, or the other way round")
        if is_statement:
            members(self.extra["statement"], ("envelope", "seen"))

    def _keyring(self):
        self.chain = Chain(self.extra["keyring"])

    def _checkpoint(self):
        self.checkpoint = Checkpoint(self.note, self.chain)
        self.cosignatures = self.checkpoint.cosignatures
        need(self.cosignatures > 0, "cosigned by no device")

    def _entry(self):
        leaf = leaf_hash(entry_bytes(self.entry))
        holds = inclusion_holds(self.index, self.checkpoint.size, leaf, self.proof, self.checkpoint.root)
        need(holds, "an entry that the ledger has not")

    def _statement(self):
        need(self.entry["kind"] == "statement", "the receipt of something else")
        envelope = Envelope(self.extra["statement"]["envelope"], "statement")
        said = members(envelope.payload, _STATEMENT)
        version(said, 1)
        month(said["month"])
        one_of(said["language"], ("en", "fr"))
        text(said["text"], 1)
        text(said["ownWords"], 0, 500)
        need(not any(unicodedata.category(each) in _NO_WORDS for each in said["ownWords"]), "a control character")
        time_ms(said["atMs"])
        whole(said["keyringEpoch"])
        hash64(said["keyringHead"])
        members(said["checkpoint"], ("size", "root"))
        whole(said["checkpoint"]["size"], 1)
        hash64(said["checkpoint"]["root"])
        # Under the chain as it was then: later statements do not unsign it.
        keyring = self.chain.at(said["keyringEpoch"])
        self._belongs(said, envelope, keyring)
        need(len(envelope.signatures) == 1, "not one signature")
        signature = envelope.signatures[0]
        device = keyring.owner_device(signature["keyid"])
        need(device is not None, "signed by no owner's device in force")
        device_signed(envelope, signature, device, sha256(envelope.bytes))

    def _belongs(self, said, envelope, keyring):
        need(said["text"] == _TEXTS[said["language"]].format(month=said["month"]), "other words than the fixed ones")
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=said["atMs"])
        need(said["month"] <= f"{moment.year:04}-{moment.month:02}", "of a month that was still to come")
        need(said["month"] == self.entry["month"], "the entry of another month")
        need(envelope.sha256 == self.entry["statementSha256"], "the entry of another statement")
        need(said["origin"] == self.chain.origin, "of another household")
        need(said["keyringEpoch"] == keyring.epoch, "another epoch")
        need(said["keyringHead"] == keyring.head, "another keyring")
        seen, size = said["checkpoint"], said["checkpoint"]["size"]
        need(self.index >= size, "an entry that its signer had seen already")
        proof = proof_hashes(self.extra["statement"]["seen"])
        need(
            consistency_holds(size, bytes.fromhex(seen["root"]), self.checkpoint.size, self.checkpoint.root, proof),
            "the owner saw another ledger",
        )


def looks_like_receipt(data):
    return any(mark in data[:200] for mark in (b"tlog-proof", b"\nindex ", b"extra "))


__all__ = ["Receipt", "CHECKS", "Refused", "looks_like_receipt"]
