"""Many verdicts of one process, for the tests: a line of JSON in, an exit code and its reason out.

{"kind": "bundle", "file": "/tmp/a.zip", "at": [100, 200], "flip": 1}: the file with each of these
bytes changed by itself. Without `at`, the file as it is.
"""

import io
import json
import sys

from verify import DOES_NOT_HOLD, HOLDS, NOTHING_OF_THE_KIND, run_checks, subject_of


def verdict(kind, data):
    subject = subject_of(kind, io.BytesIO(data), len(data))
    if subject is None:
        return [NOTHING_OF_THE_KIND, ""]
    results = []
    if run_checks(subject, results):
        return [HOLDS, ""]
    return [DOES_NOT_HOLD, f"{results[-1]['check']}: {results[-1]['why']}"]


def main():
    for line in sys.stdin:
        job = json.loads(line)
        with open(job["file"], "rb") as source:
            data = bytearray(source.read())
        verdicts = []
        for at in job.get("at", [None]):
            if at is not None:
                data[at] ^= job["flip"]
            verdicts.append(verdict(job["kind"], bytes(data)))
            if at is not None:
                data[at] ^= job["flip"]
        print(json.dumps(verdicts), flush=True)


main()
