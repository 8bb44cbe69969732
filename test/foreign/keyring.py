"""The chain that says who may read and who may sign (section 5)."""

import copy

from age import recipient_kind
from canonical import base64_bytes, need, sha256
from shapes import boolean, hash64, id32, key, listed, members, one_of, text, time_ms, version, whole
from signatures import Envelope, device_id, device_signed, usable_key

MOST_STATEMENTS = 10_000
MOST_DEVICES = 200
RECOVERY_MS = 72 * 3_600_000
ROLES = ("owner", "adult", "viewer", "guest")
READERS = ("originals", "blurred", "owners", "recovery")


def _passkey(value):
    members(value, ("credentialId", "algorithm", "publicKey", "relyingPartyId", "origin", "required"))
    need(base64_bytes(value["credentialId"], largest=1_400), "a credential without id")
    one_of(value["algorithm"], ("ES256", "EdDSA"))
    public = base64_bytes(value["publicKey"], 65 if value["algorithm"] == "ES256" else 32)
    need(value["algorithm"] != "ES256" or public[0] == 4, "not an uncompressed point")
    text(value["relyingPartyId"], 0, 253)
    text(value["origin"], 0, 300)
    boolean(value["required"])


def _device(value, with_transfer=False):
    members(value, ("signingKey", "labelSha256"), ("passkey", "transfer"))
    hash64(value["labelSha256"])
    need(usable_key(key(value["signingKey"])), "a signing key that is none")
    if "passkey" in value:
        _passkey(value["passkey"])
    need("transfer" in value or not with_transfer, "a device without transfer")
    need("transfer" not in value or recipient_kind(value["transfer"]) == "pq", "transfer is post-quantum")


def _policy(value):
    members(value, ("exportSigners", "keyringSigners", "vetoWindowMs"))
    whole(value["exportSigners"], 1, 16)
    whole(value["keyringSigners"], 1, 16)
    whole(value["vetoWindowMs"], 0, 30 * 86_400_000)


def _readers(value):
    members(value, ("kind", *READERS))
    one_of(value["kind"], ("x25519", "pq"))
    need(all(recipient_kind(value[name]) == value["kind"] for name in READERS), "readers of two kinds")
    need(len({value[name] for name in READERS}) == 4, "one recipient for two readers")


def _sheet_key(value):
    need(usable_key(key(value)), "a recovery key that is none")


def _admitted(value):
    if value is not None:
        members(value, ("person", "device"))
        id32(value["person"])
        _device(value["device"], with_transfer=True)


_CHANGES = {
    "genesis": {
        "origin": lambda value: text(value, 1, 200),
        "ledgerKey": key,
        "person": id32,
        "device": _device,
        "readers": _readers,
        "recoveryKey": _sheet_key,
        "policy": _policy,
    },
    "admit": {"person": id32, "role": lambda value: one_of(value, ROLES), "device": _device},
    "remove": {"device": hash64, "readers": _readers},
    "policy": {"policy": _policy},
    "sheet": {"recovery": recipient_kind, "recoveryKey": _sheet_key},
    "recovery_notice": {
        "admit": _admitted,
        "remove": lambda value: listed(value, 0, MOST_DEVICES, hash64),
        "readers": _readers,
        "policy": _policy,
    },
    "recovery_objection": {},
    "recovery_complete": {},
}


class Keyring:
    """The chain up to one statement: persons, devices, readers and policy that are in force."""

    def __init__(self):
        self.epoch, self.head = -1, None
        self.roles, self.devices = {}, {}
        self.pending = None

    def owner_device(self, keyid):
        """The device of this id if it is in force and an owner's, else None."""
        device = self.devices.get(keyid)
        return device if device and device["in_force"] and self.roles[device["person"]] == "owner" else None

    def _owners(self):
        return {
            device["person"]
            for device in self.devices.values()
            if device["in_force"] and self.roles[device["person"]] == "owner"
        }

    def _satisfied(self):
        """Rule 3.3."""
        signers = max(self.policy["exportSigners"], self.policy["keyringSigners"])
        return len(self._owners()) >= signers

    def _admit(self, person, role, device):
        signing_key = key(device["signingKey"])
        name = device_id(signing_key)
        need(name not in self.devices, "a device is admitted once")
        need(signing_key != self.recovery_key, "a device with the sheet's key")
        need(self.roles.setdefault(person, role) == role, "a known person keeps his role")
        self.devices[name] = {
            "person": person,
            "key": signing_key,
            "passkey": device.get("passkey"),
            "transfer": "transfer" in device,
            "in_force": True,
        }

    def _remove(self, name):
        device = self.devices.get(name)
        need(device and device["in_force"], "a device that is not in force")
        device["in_force"] = False

    def _new_readers(self, readers):
        need(readers["kind"] == self.readers["kind"], "readers of another kind")
        need(readers["recovery"] == self.readers["recovery"], "the sheet's reader stays")
        in_force = {self.readers[name] for name in READERS}
        need(all(readers[name] not in in_force for name in READERS[:3]), "a reader that is in force already")

    def _genesis(self, change):
        need(self.epoch == 0, "a second genesis")
        self.origin, self.ledger_key = change["origin"], key(change["ledgerKey"])
        need(self.origin == "doorward/" + sha256(self.ledger_key).hex()[:32], "an origin that is not its key's")
        self.readers, self.policy = change["readers"], change["policy"]
        self.recovery_key = key(change["recoveryKey"])
        self._admit(change["person"], "owner", change["device"])

    def _complete(self):
        notice = self.pending["change"]
        for name in notice["remove"]:
            self.devices[name]["in_force"] = False
        if notice["admit"]:
            self._admit(notice["admit"]["person"], "owner", notice["admit"]["device"])
        self.readers, self.policy, self.pending = notice["readers"], notice["policy"], None

    def _could_complete(self):
        trial = copy.copy(self)
        trial.roles = dict(self.roles)
        trial.devices = {name: dict(device) for name, device in self.devices.items()}
        trial._complete()
        return trial._satisfied()

    def _notice(self, statement):
        change = statement["change"]
        need(self.pending is None, "a recovery is pending already")
        need(change["admit"] or change["remove"], "a notice of nothing")
        need(len(set(change["remove"])) == len(change["remove"]), "a device removed twice")
        for name in change["remove"]:
            need(name in self.devices and self.devices[name]["in_force"], "a device that is not in force")
        self._new_readers(change["readers"])
        self.pending = statement
        need(self._could_complete(), "a notice that could not be completed")

    def _while_pending(self, change):
        """Rule 3.5, before the change is applied."""
        notice = self.pending["change"]
        admit = notice["admit"]
        if change["kind"] == "admit" and admit:
            need(change["device"]["signingKey"] != admit["device"]["signingKey"], "the notice's device")
            need(change["person"] != admit["person"] or change["role"] == "owner", "the notice's person")
        if change["kind"] == "remove" and change["device"] not in notice["remove"]:
            device = self.devices.get(change["device"])
            knows = device and device["transfer"] and self.roles[device["person"]] != "guest"
            need(not knows, "a device that was passed the notice's readers")

    def _apply(self, statement):
        change, kind = statement["change"], statement["change"]["kind"]
        if self.pending and kind in ("admit", "remove"):
            self._while_pending(change)
        if kind == "genesis":
            self._genesis(change)
        elif kind == "admit":
            in_force = sum(device["in_force"] for device in self.devices.values())
            need(in_force < MOST_DEVICES, "too many devices")
            self._admit(change["person"], change["role"], change["device"])
        elif kind == "remove":
            self._remove(change["device"])
            self._new_readers(change["readers"])
            self.readers = change["readers"]
            need(self.pending is None or self._could_complete(), "the notice could not be completed")
        elif kind == "policy":
            self.policy = change["policy"]
        elif kind == "sheet":
            self._sheet(change)
        elif kind == "recovery_notice":
            self._notice(statement)
        elif kind == "recovery_objection":
            need(self.pending is not None, "no recovery is pending")
            self.pending = None
        else:
            need(self.pending is not None, "no recovery is pending")
            need(statement["atMs"] >= self.pending["atMs"] + RECOVERY_MS, "completed before its time")
            self._complete()
        need(self._satisfied(), "a keyring that nobody could change")

    def _sheet(self, change):
        new_key = key(change["recoveryKey"])
        need(new_key != self.recovery_key and change["recovery"] != self.readers["recovery"], "the old sheet")
        need(all(device["key"] != new_key for device in self.devices.values()), "a device with the sheet's key")
        self.readers = {**self.readers, "recovery": change["recovery"]}
        _readers(self.readers)
        self.recovery_key, self.pending = new_key, None

    def _signed_by_sheet(self, envelope):
        need(len(envelope.signatures) == 1, "the sheet signs alone")
        signature = envelope.signatures[0]
        need("assertion" not in signature, "the sheet has no passkey")
        need(signature["keyid"] == sha256(self.recovery_key).hex(), "not the sheet's signature")
        need(envelope.holds(signature, self.recovery_key), "a signature does not verify")

    def _signed_by_owners(self, envelope):
        kind = envelope.payload["change"]["kind"]
        persons = set()
        for signature in envelope.signatures:
            device = self.owner_device(signature["keyid"])
            need(device is not None, "signed by no owner's device in force")
            if kind == "genesis":
                # The passkey is made known here: it confirms what comes after.
                need(envelope.holds(signature, device["key"]), "a signature does not verify")
            else:
                device_signed(envelope, signature, device, bytes.fromhex(envelope.sha256))
            persons.add(device["person"])
        enough = 1 if kind == "recovery_objection" else self.policy["keyringSigners"]
        need(len(persons) >= enough, "too few owners signed")

    def extend(self, value):
        """Verifies one more statement. Afterwards it is in force, or Refused was raised."""
        envelope = Envelope(value, "keyring")
        statement = members(envelope.payload, ("v", "epoch", "previous", "atMs", "change"))
        version(statement, 1)
        time_ms(statement["atMs"])
        change = statement["change"]
        need(isinstance(change, dict), "no change")
        parts = _CHANGES[one_of(change.get("kind"), _CHANGES)]
        members(change, ("kind", *parts))
        for name, shape in parts.items():
            shape(change[name])
        need(statement["epoch"] == self.epoch + 1 and type(statement["epoch"]) is int, "an epoch is missing")
        need(statement["previous"] == self.head, "not the statement that follows")
        need(self.epoch >= 0 or change["kind"] == "genesis", "no genesis first")
        if change["kind"] in ("recovery_notice", "recovery_complete"):
            self._signed_by_sheet(envelope)
        elif change["kind"] != "genesis":
            self._signed_by_owners(envelope)
        self.epoch, self.head = statement["epoch"], envelope.sha256
        self._apply(statement)
        if change["kind"] == "genesis":
            self._signed_by_owners(envelope)


class Chain:
    """Every statement, verified. `at(epoch)` is the keyring that was in force then."""

    def __init__(self, statements):
        listed(statements, 1, MOST_STATEMENTS, lambda value: None)
        self.heads, self.statements = [], statements
        self.last = Keyring()
        for statement in statements:
            self.last.extend(statement)
            self.heads.append(self.last.head)
        self.origin, self.ledger_key = self.last.origin, self.last.ledger_key

    def at(self, epoch):
        need(epoch < len(self.heads), "an epoch that this chain has not")
        keyring = Keyring()
        for statement in self.statements[: epoch + 1]:
            keyring.extend(statement)
        return keyring

    def all_devices(self):
        """Every device that was ever in force, by its id."""
        return self.last.devices
