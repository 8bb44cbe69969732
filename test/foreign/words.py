"""Words that two people compare (section 12)."""

from pathlib import Path

from canonical import need, sha256, sha256_hex

# The BIP 39 English list, as its authors publish it: a word a line.
_LIST_SHA256 = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"


def words(label, data, count):
    text = (Path(__file__).parent / "english.txt").read_bytes()
    need(sha256_hex(text) == _LIST_SHA256, "english.txt is not the BIP 39 list")
    listed = text.decode().split()
    digest = int.from_bytes(sha256(f"doorward words {label}".encode() + b"\0" + data), "big")
    return [listed[digest >> 256 - 11 * (at + 1) & 2047] for at in range(count)]
