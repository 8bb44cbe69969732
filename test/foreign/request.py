"""The request record (section 6): what was asked for, and its hash."""

import datetime
import re

from age import recipient_kind
from canonical import Refused, need, parse_canonical, sha256_hex
from ledger import KINDS_OF_REQUEST
from shapes import boolean, hash64, hexadecimal, id32, listed, members, one_of, text, time_ms, version

LONGEST_RECORD = 65_536
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)


def time_of(value):
    """Milliseconds since 1970 of an RFC 3339 text with a zone; what is finer does not count."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    need(match, "not a time of RFC 3339")
    zone = "+00:00" if match[4] == "Z" else match[4]
    try:
        moment = datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}")
        since = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    except (ValueError, OverflowError):
        raise Refused("a time that no calendar has") from None
    need(since.days >= 0, "a time before 1970")
    return (since.days * 86_400 + since.seconds) * 1_000 + int((match[3] or "").ljust(3, "0")[:3])


def _sought(value):
    members(value, ("cameras", "from", "to", "tracks", "clearFaces"))
    if value["cameras"] != "unspecified":
        listed(value["cameras"], 1, 16, lambda name: text(name, 1, 32))
    need(time_of(value["from"]) < time_of(value["to"]), "a range that ends before it begins")
    listed(value["tracks"], 1, 2, lambda track: one_of(track, ("video", "audio")))
    boolean(value["clearFaces"])


def _asked(value):
    members(value, ("kind", "urgency", "sought"), ("recipient", "deadline"))
    one_of(value["kind"], KINDS_OF_REQUEST)
    one_of(value["urgency"], ("normal", "emergency"))
    _sought(value["sought"])
    if "recipient" in value:
        recipient_kind(value["recipient"])
    if "deadline" in value:
        time_of(value["deadline"])


class Request:
    def __init__(self, data):
        need(len(data) <= LONGEST_RECORD, "a request that is too long")
        self.record = record = parse_canonical(data)
        members(
            record,
            ("v", "request", "receivedAtMs", "expiresAtMs", "channel", "asked", "personalSha256", "salt"),
        )
        version(record, 1)
        id32(record["request"])
        time_ms(record["receivedAtMs"])
        time_ms(record["expiresAtMs"])
        one_of(record["channel"], ("typed_by_owner", "intake_form", "sealed_file"))
        _asked(record["asked"])
        hash64(record["personalSha256"])
        hexadecimal(record["salt"], 32)
        self.sha256 = sha256_hex(data)

    def seconds_asked(self):
        """Section 9, Amounts."""
        sought = self.record["asked"]["sought"]
        length = time_of(sought["to"]) - time_of(sought["from"])
        cameras = 1 if sought["cameras"] == "unspecified" else len(set(sought["cameras"]))
        return -(-length // 1_000) * cameras
