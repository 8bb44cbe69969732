"""What members an object has, and what stands in them. Whatever is not listed is refused."""

import re

from canonical import LARGEST_INTEGER, Refused, base64_bytes, need

LONGEST_TEXT = 1_000_000
# 9999-12-31T23:59:59.999Z
LATEST_MS = 253_402_300_799_999


def members(value, required, optional=()):
    """An object with exactly these members."""
    need(isinstance(value, dict), "not an object")
    names = set(value)
    missing = set(required) - names
    need(not missing, f"without {', '.join(sorted(missing))}")
    extra = names - set(required) - set(optional)
    need(not extra, "a member that the specification does not list")
    return value


def whole(value, lowest=0, highest=LARGEST_INTEGER):
    need(isinstance(value, int) and not isinstance(value, bool), "not a whole number")
    need(lowest <= value <= highest, "a number out of range")
    return value


def time_ms(value):
    return whole(value, 0, LATEST_MS)


def boolean(value):
    need(isinstance(value, bool), "neither true nor false")
    return value


def text(value, shortest=0, longest=LONGEST_TEXT):
    """Lengths are in UTF-16 code units."""
    need(isinstance(value, str), "not a text")
    need(shortest <= len(value.encode("utf-16-le", "surrogatepass")) // 2 <= longest, "a text too short or too long")
    return value


def one_of(value, choices):
    need(isinstance(value, str) and value in choices, "none of the words that may stand here")
    return value


def hexadecimal(value, digits):
    need(isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{digits}}}", value), f"not {digits} hex digits")
    return value


def id32(value):
    return hexadecimal(value, 32)


def hash64(value):
    return hexadecimal(value, 64)


def camera(value):
    need(isinstance(value, str) and re.fullmatch("[a-z][a-z0-9-]{0,31}", value), "not the id of a camera")
    return value


def month(value):
    need(isinstance(value, str) and re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", value), "not a month")
    return value


def listed(value, fewest, most, item):
    need(isinstance(value, list) and fewest <= len(value) <= most, "not a list, too short or too long")
    for each in value:
        item(each)
    return value


def key(value):
    return base64_bytes(value, 32)


def nullable(value, item):
    return None if value is None else item(value)


def version(value, *allowed):
    need(isinstance(value, dict) and type(value.get("v")) is int and value["v"] in allowed, "another version")
    return value["v"]


__all__ = [name for name in dir() if not name.startswith("_")] + ["Refused"]
