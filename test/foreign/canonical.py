"""Canonical JSON (RFC 8785 with the refusals of section 1), base64 and hex, all of them strict."""

import base64
import binascii
import hashlib
import json
import math
import re

LARGEST_INTEGER = 2**53 - 1
DEEPEST = 32


class Refused(Exception):
    """What was read is not what the specification asks for."""


def sha256(data):
    return hashlib.sha256(data).digest()


def sha256_hex(data):
    return hashlib.sha256(data).hexdigest()


def need(condition, message):
    if not condition:
        raise Refused(message)


def base64_bytes(text, length=None, largest=3_000_000):
    """RFC 4648 section 4, in its only spelling."""
    need(isinstance(text, str) and len(text) <= largest, "base64 is no text, or too long")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("bad base64") from None
    need(base64.b64encode(data).decode() == text, "another spelling of base64")
    need(length is None or len(data) == length, "base64 of another length")
    return data


def _number(value):
    if isinstance(value, int):
        need(abs(value) <= LARGEST_INTEGER, "an integer beyond 2^53 - 1")
        return str(value)
    need(math.isfinite(value) and not (value == 0 and math.copysign(1, value) < 0), "no number")
    need(not value.is_integer() or abs(value) <= LARGEST_INTEGER, "an integer beyond 2^53 - 1")
    if value.is_integer():
        return str(int(value))
    # The shortest digits that read back, as ECMAScript writes them.
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    point = len(whole) + int(exponent or 0)
    padded = whole + fraction
    digits = padded.lstrip("0")
    point -= len(padded) - len(digits)
    digits = digits.rstrip("0")
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def _string(text):
    need(not re.search("[\ud800-\udfff]", text), "a lone surrogate")
    return '"' + re.sub(
        r'["\\\x00-\x1f]', lambda hit: _ESCAPES.get(hit[0], f"\\u{ord(hit[0]):04x}"), text
    ) + '"'


def _write(value, depth):
    need(depth <= DEEPEST, "nested too deeply")
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list):
        return "[" + ",".join(_write(item, depth + 1) for item in value) + "]"
    need("__proto__" not in value, "a member called __proto__")
    # RFC 8785 section 3.2.3: members in the order of their UTF-16 code units.
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(_string(name) + ":" + _write(value[name], depth + 1) for name in names) + "}"


def canonical(value):
    """The canonical bytes of a value."""
    return _write(value, 0).encode()


def _no_constant(name):
    raise Refused(f"{name} is no JSON")


def _integer(digits):
    # A number of a million digits is refused before it is computed.
    need(len(digits) <= 17 and digits != "-0", "a number without canonical form")
    return int(digits)


def parse_json(data):
    """Any JSON text in UTF-8, canonical or not."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_constant, parse_int=_integer)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Refused("no JSON in UTF-8") from None


def parse_canonical(data):
    """The value of bytes that are its canonical JSON, or Refused."""
    value = parse_json(data)
    need(canonical(value) == data, "not canonical JSON")
    return value
