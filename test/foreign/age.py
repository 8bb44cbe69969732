"""age v1 (c2sp.org/age): recipients, headers, and opening for an X25519 identity."""

import base64
import binascii
import hmac
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from canonical import Refused, need

LONGEST_RECIPIENT = 2048
LONGEST_HEADER = 65_536
MOST_STANZAS = 20
CHUNK = 65_536
ML_KEM_PRIME = 3329
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _checksum(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                check ^= generator
    return check


def bech32(text, name):
    """BIP 173 without a limit of length, in lower case."""
    need(text.startswith(name + "1"), "another kind of key")
    try:
        values = [_BECH32.index(letter) for letter in text[len(name) + 1 :]]
    except ValueError:
        raise Refused("no bech32") from None
    expanded = [ord(letter) >> 5 for letter in name] + [0] + [ord(letter) & 31 for letter in name]
    need(len(values) >= 6 and _checksum(expanded + values) == 1, "a wrong checksum")
    bits = "".join(f"{value:05b}" for value in values[:-6])
    rest = len(bits) % 8
    need(rest < 5 and "1" not in bits[len(bits) - rest :], "trailing bits")
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - rest, 8))


def recipient_kind(text):
    """`x25519` or `pq`, of a recipient that is well-formed."""
    need(isinstance(text, str) and len(text) <= LONGEST_RECIPIENT, "not a recipient")
    if text.startswith("age1pq1"):
        key = bech32(text, "age1pq")
        need(len(key) == 1184 + 32, "a recipient of another length")
        for at in range(0, 1152, 3):
            triple = int.from_bytes(key[at : at + 3], "little")
            need(triple & 0xFFF < ML_KEM_PRIME and triple >> 12 < ML_KEM_PRIME, "a coefficient out of range")
        return "pq"
    need(len(bech32(text, "age")) == 32, "a recipient of another length")
    return "x25519"


def _unpadded(text, length):
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("bad base64 in an age header") from None
    need(base64.b64encode(data).decode().rstrip("=") == text and len(data) == length, "bad base64 in an age header")
    return data


class Header:
    """One age header. `size` is where it ends, its final newline included."""

    def __init__(self, data):
        text = data[:LONGEST_HEADER]
        end = re.search(rb"\n---[^\n]*\n", text)
        need(end is not None, "no age header")
        self.size = end.end()
        try:
            lines = text[: self.size].decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise Refused("an age header is ASCII") from None
        need(lines[0] == "age-encryption.org/v1", "no age v1 file")
        self.mac_input = text[: end.start() + 4]
        need(lines[-2].startswith("--- "), "no age header")
        self.mac = _unpadded(lines[-2][4:], 32)
        self.stanzas = self._stanzas(lines[1:-2])

    @staticmethod
    def _stanzas(lines):
        stanzas = []
        while lines:
            need(lines[0].startswith("-> ") and len(stanzas) < MOST_STANZAS, "bad stanza")
            arguments = lines[0][3:].split(" ")
            need(all(re.fullmatch("[!-~]+", argument) for argument in arguments), "bad stanza")
            body = []
            # A body ends with its first line of less than 64 characters, which may be empty.
            for line in lines[1:]:
                body.append(line)
                if len(line) < 64:
                    break
            need(body and len(body[-1]) < 64 and all(len(line) <= 64 for line in body), "bad stanza")
            joined = "".join(body)
            stanzas.append((arguments, _unpadded(joined, len(joined) * 3 // 4)))
            lines = lines[1 + len(body) :]
        need(stanzas, "a header without stanza")
        return stanzas

    def kind(self):
        """The kind of its only stanza."""
        need(len(self.stanzas) == 1, "not exactly one stanza")
        arguments, body = self.stanzas[0]
        need(len(arguments) == 2 and len(body) == 32, "not a stanza of a recipient")
        if arguments[0] == "X25519":
            _unpadded(arguments[1], 32)
            return "x25519"
        need(arguments[0] == "mlkem768x25519", "a stanza of another kind")
        _unpadded(arguments[1], 1120)
        return "pq"


def _hkdf(secret, salt, info):
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(secret)


def identity_secret(text):
    """The 32 bytes of `AGE-SECRET-KEY-1...`."""
    text = text.strip()
    need(
        not text.upper().startswith("AGE-SECRET-KEY-PQ-"),
        "a post-quantum identity: this verifier has no ML-KEM-768 and opens for X25519 only",
    )
    need(text == text.upper(), "an identity is written in upper case")
    secret = bech32(text.lower(), "age-secret-key-")
    need(len(secret) == 32, "an identity of another length")
    return secret


def file_key(header, secret):
    private = X25519PrivateKey.from_private_bytes(secret)
    ours = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for arguments, body in header.stanzas:
        if arguments[0] != "X25519" or len(arguments) != 2 or len(body) != 32:
            continue
        share = _unpadded(arguments[1], 32)
        try:
            shared = private.exchange(X25519PublicKey.from_public_bytes(share))
            wrap = _hkdf(shared, share + ours, b"age-encryption.org/v1/X25519")
            key = ChaCha20Poly1305(wrap).decrypt(bytes(12), body, None)
        except (ValueError, InvalidTag):
            continue
        mac = hmac.digest(_hkdf(key, b"", b"header"), header.mac_input, "sha256")
        need(hmac.compare_digest(mac, header.mac), "the header was changed")
        return key
    raise Refused("sealed for somebody else")


def _chunks(pieces, header_size):
    """What comes after the header: the nonce, then chunks."""
    held, wanted, skipped = b"", 16, False
    for piece in pieces:
        held += piece
        if not skipped and len(held) >= header_size:
            held, skipped = held[header_size:], True
        while skipped and len(held) >= wanted:
            yield held[:wanted]
            held, wanted = held[wanted:], CHUNK + 16
    if held:
        yield held


def open_file(header, pieces, secret):
    """The decrypted chunks of the age file that comes in pieces, its header included."""
    chunks = _chunks(pieces, header.size)
    nonce, chunk = next(chunks, b""), next(chunks, b"")
    need(len(nonce) == 16, "cut off")
    cipher = ChaCha20Poly1305(_hkdf(file_key(header, secret), nonce, b"payload"))
    for count in range(2**32):
        following = next(chunks, None)
        last = following is None
        try:
            plain = cipher.decrypt(count.to_bytes(11, "big") + bytes([last]), chunk, None)
        except (InvalidTag, ValueError):
            raise Refused("a chunk was changed or is missing") from None
        need(plain or count == 0, "an empty last chunk")
        yield plain
        if last:
            return
        chunk = following
