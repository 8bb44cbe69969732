"""The one kind of zip that a bundle is (section 11): stored, streamed, and nothing beside its members."""

import struct
import zlib

from canonical import Refused, need

MOST_MEMBERS = 416
LONGEST_NAME = 200
_LOCAL, _DESCRIPTOR, _CENTRAL, _END = b"PK\x03\x04", b"PK\x07\x08", b"PK\x01\x02", b"PK\x05\x06"
_NEEDS, _FLAGS, _STORED, _TIME, _DATE = 20, 8, 0, 0, 33
_PIECE = 1 << 20


def _local(name):
    fields = (_NEEDS, _FLAGS, _STORED, _TIME, _DATE, 0, 0, 0, len(name), 0)
    return _LOCAL + struct.pack("<5H3I2H", *fields) + name


def _descriptor(crc, size):
    return _DESCRIPTOR + struct.pack("<3I", crc, size, size)


def _central(name, crc, size, at):
    fields = (_NEEDS, _NEEDS, _FLAGS, _STORED, _TIME, _DATE, crc, size, size, len(name), 0, 0, 0, 0, 0, at)
    return _CENTRAL + struct.pack("<6H3I5H2I", *fields) + name


class Member:
    def __init__(self, source, name, crc, size, local):
        self.name, self.crc, self.size, self.local = name, crc, size, local
        self._source, self._at = source, local + len(_local(name.encode()))

    def pieces(self):
        """Its bytes, a mebibyte at a time."""
        left = self.size
        self._source.seek(self._at)
        while left:
            piece = self._source.read(min(left, _PIECE))
            need(piece, "cut off")
            left -= len(piece)
            at = self._source.tell()
            yield piece
            self._source.seek(at)

    def read(self, longest):
        need(self.size <= longest, f"{self.name} is too long")
        return b"".join(self.pieces())


def _expect(source, at, wanted):
    source.seek(at)
    need(source.read(len(wanted)) == wanted, "not byte for byte as a bundle is written")
    return at + len(wanted)


def members(source, length):
    """The members in their order, after every byte of the zip was compared with what it must be."""
    need(length >= 22, "too short for a zip")
    source.seek(length - 22)
    end = source.read(22)
    count, directory_size, directory = struct.unpack("<10xH2I", end[:20])
    need(1 <= count <= MOST_MEMBERS and directory + directory_size + 22 == length, "no zip of a bundle")
    need(end == _END + struct.pack("<4H2IH", 0, 0, count, count, directory_size, directory, 0), "no zip of a bundle")
    found, at, local = [], directory, 0
    for _ in range(count):
        source.seek(at)
        fixed = source.read(46)
        need(len(fixed) == 46, "cut off")
        crc, size = struct.unpack("<16xI4xI", fixed[:28])
        name = source.read(struct.unpack("<28xH", fixed[:30])[0])
        need(0 < len(name) <= LONGEST_NAME, "a name that is too long")
        at = _expect(source, at, _central(name, crc, size, local))
        try:
            member = Member(source, name.decode("ascii"), crc, size, local)
        except UnicodeDecodeError:
            raise Refused("a name that no bundle has") from None
        need(local + len(_local(name)) + size + 16 <= directory, "larger than the zip")
        _expect(source, local, _local(name))
        local = _expect(source, local + len(_local(name)) + size, _descriptor(crc, size))
        found.append(member)
    need(local == directory and at == length - 22, "something between the members")
    need(len({member.name for member in found}) == count, "a name twice")
    for member in found:
        crc = 0
        for piece in member.pieces():
            crc = zlib.crc32(piece, crc)
        need(crc == member.crc, "a checksum of the zip is wrong")
    return found
