"""Ed25519 as section 1 wants it, DSSE envelopes and passkey assertions (section 4)."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from canonical import Refused, base64_bytes, canonical, need, parse_canonical, parse_json, sha256
from shapes import hash64, listed, members

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME
MOST_SIGNATURES = 16
LONGEST_PAYLOAD = 2_000_000
_ASSERTION = {"authenticatorData": 1_400, "clientDataJSON": 4_096, "credentialId": 1_400, "signature": 1_024}


def _add(one, other):
    (x1, y1), (x2, y2) = one, other
    product = CURVE_D * x1 * x2 * y1 * y2 % PRIME
    x3 = (x1 * y2 + y1 * x2) * pow(1 + product, -1, PRIME)
    y3 = (y1 * y2 + x1 * x2) * pow(1 - product, -1, PRIME)
    return x3 % PRIME, y3 % PRIME


def _point(key):
    """RFC 8032 section 5.1.3, or None."""
    number = int.from_bytes(key, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= PRIME:
        return None
    u, v = (y * y - 1) % PRIME, (CURVE_D * y * y + 1) % PRIME
    x = u * pow(v, 3, PRIME) * pow(u * pow(v, 7, PRIME), (PRIME - 5) // 8, PRIME) % PRIME
    if (v * x * x - u) % PRIME != 0:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if (v * x * x - u) % PRIME != 0 or (x == 0 and sign):
        return None
    return (PRIME - x if x & 1 != sign else x), y


def usable_key(key):
    """A point of the curve that is not of small order."""
    point = _point(key) if len(key) == 32 else None
    if point is None:
        return False
    for _ in range(3):
        point = _add(point, point)
    return point != (0, 1)


def ed25519_holds(key, signature, message):
    # OpenSSL compares R byte for byte and wants S below the order: no cofactor, one encoding.
    if len(signature) != 64 or not usable_key(key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def p256_holds(key, signature, message):
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def device_id(key):
    return sha256(key).hex()


def signed_bytes(*parts):
    """DSSE's pre-authentication encoding."""
    encoded = b"DSSEv1"
    for part in parts:
        encoded += b" %d " % len(part) + part
    return encoded


def _assertion_shape(value):
    members(value, _ASSERTION)
    for name, longest in _ASSERTION.items():
        base64_bytes(value[name], largest=longest)


def _signature_shape(value):
    members(value, ("keyid", "sig"), ("assertion",))
    hash64(value["keyid"])
    base64_bytes(value["sig"], 64)
    if "assertion" in value:
        _assertion_shape(value["assertion"])


class Envelope:
    """A DSSE envelope of one type, with its canonical payload. Nothing is verified yet."""

    def __init__(self, value, kind):
        members(value, ("payload", "payloadType", "signatures"))
        self.type = f"application/vnd.doorward.{kind}+json"
        need(value["payloadType"] == self.type, f"not an envelope of type {kind}")
        self.signatures = listed(value["signatures"], 1, MOST_SIGNATURES, _signature_shape)
        self.bytes = base64_bytes(value["payload"], largest=LONGEST_PAYLOAD)
        self.payload = parse_canonical(self.bytes)
        self.sha256 = sha256(self.bytes).hex()

    def holds(self, signature, key):
        """Whether one of its signatures is this Ed25519 key's."""
        parts = [self.type.encode(), self.bytes]
        if "assertion" in signature:
            parts.append(canonical(signature["assertion"]))
        return ed25519_holds(key, base64_bytes(signature["sig"], 64), signed_bytes(*parts))


def assertion_holds(assertion, passkey, challenge):
    """WebAuthn, as section 4 says it. `challenge` is 32 bytes."""
    if assertion["credentialId"] != passkey["credentialId"]:
        return False
    client_data = base64_bytes(assertion["clientDataJSON"])
    authenticator_data = base64_bytes(assertion["authenticatorData"])
    signature = base64_bytes(assertion["signature"])
    try:
        client = parse_json(client_data)
    except Refused:
        return False
    wanted = base64.urlsafe_b64encode(challenge).decode().rstrip("=")
    if not isinstance(client, dict) or client.get("type") != "webauthn.get":
        return False
    if client.get("challenge") != wanted or client.get("origin") != passkey["origin"]:
        return False
    if client.get("crossOrigin") is True:
        return False
    if len(authenticator_data) < 37 or authenticator_data[:32] != sha256(passkey["relyingPartyId"].encode()):
        return False
    if authenticator_data[32] & 0x05 != 0x05:
        return False
    message = authenticator_data + sha256(client_data)
    key = base64_bytes(passkey["publicKey"])
    if passkey["algorithm"] == "ES256":
        return p256_holds(key, signature, message)
    return ed25519_holds(key, signature, message)


def device_signed(envelope, signature, device, challenge):
    """Every signature of a device in force: Ed25519, and the passkey where there is or must be one."""
    need(envelope.holds(signature, device["key"]), "a signature does not verify")
    passkey = device["passkey"]
    if "assertion" in signature:
        need(passkey is not None, "an assertion of a device without passkey")
        need(assertion_holds(signature["assertion"], passkey, challenge), "a passkey's assertion does not hold")
    else:
        need(passkey is None or not passkey["required"], "without the passkey that is required")
