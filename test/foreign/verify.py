"""Verifies what leaves a house with Doorward, by src/protocol/README.md alone.

    python3 verify.py BUNDLE.zip
    python3 verify.py --report FILE | --receipt FILE | --statement FILE
    python3 verify.py --open IDENTITY --to FOLDER BUNDLE.zip

Exits with 0 if it holds, 1 if it does not, 2 if the file is nothing of the kind.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from age import Header, identity_secret, open_file
from bundle import Bundle, looks_like_bundle
from canonical import Refused, base64_bytes
from receipt import LONGEST as LONGEST_RECEIPT
from receipt import Receipt, looks_like_receipt
from report import LONGEST as LONGEST_REPORT
from report import Report, looks_like_report

KINDS = ("report", "receipt", "statement")
HOLDS, DOES_NOT_HOLD, NOTHING_OF_THE_KIND = 0, 1, 2


def subject_of(kind, source, length):
    """What a file is to be, or None where it is nothing of the kind."""
    if kind == "bundle":
        return Bundle(source, length) if looks_like_bundle(source, length) else None
    source.seek(0)
    data = source.read((LONGEST_REPORT if kind == "report" else LONGEST_RECEIPT) + 1)
    if kind == "report":
        return Report(data) if looks_like_report(data) else None
    return Receipt(data, kind == "statement") if looks_like_receipt(data) else None


def run_checks(subject, results):
    """Every check in its order, up to the first that does not hold."""
    for title, check in subject.checks():
        try:
            check()
        except Refused as why:
            results.append({"check": title, "holds": False, "why": str(why)})
            return False
        results.append({"check": title, "holds": True})
    return True


def _open(bundle, identity, folder):
    """Writes every recording of a bundle that holds, decrypted, and never over a file that is there."""
    secret = identity_secret(Path(identity).read_text())
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, release in zip(bundle.file_names(), bundle.decision.release):
        header = Header(base64_bytes(release["header"]))
        target = Path(folder) / os.path.basename(name).removesuffix(".age")
        target = target.with_name(target.name + (".jpg" if ".poster." in name else ".mp4"))
        with target.open("xb") as output:
            for plain in open_file(header, bundle.members[name].pieces(), secret):
                output.write(plain)
        print(f"opened {target}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kind = parser.add_mutually_exclusive_group()
    for name in KINDS:
        kind.add_argument("--" + name, action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--open", metavar="IDENTITY")
    parser.add_argument("--to", metavar="FOLDER")
    parser.add_argument("file")
    options = parser.parse_args()
    try:
        with open(options.file, "rb") as source:
            length = os.fstat(source.fileno()).st_size
            chosen = [name for name in KINDS if getattr(options, name)]
            subject = subject_of(chosen[0] if chosen else "bundle", source, length)
            if subject is None:
                print("nothing of the kind")
                return NOTHING_OF_THE_KIND
            results = []
            holds = run_checks(subject, results)
            _print(options, subject, results, holds)
            if holds and options.open:
                _open(subject, options.open, options.to or ".")
    except (OSError, Refused) as why:
        print(why, file=sys.stderr)
        return DOES_NOT_HOLD if isinstance(why, Refused) else NOTHING_OF_THE_KIND
    return HOLDS if holds else DOES_NOT_HOLD


def _print(options, subject, results, holds):
    if options.json:
        print(json.dumps({"holds": holds, "checks": results}))
        return
    for at, result in enumerate(results, 1):
        print(f"{'holds' if result['holds'] else 'DOES NOT HOLD'}  {at}. {result['check']}")
        if not result["holds"]:
            print(f"       {result['why']}")
    if holds:
        print(f"origin {subject.chain.origin}, {subject.cosignatures} cosignatures")


if __name__ == "__main__":
    sys.exit(main())
