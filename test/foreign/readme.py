"""The README.txt of a bundle, which follows from its terms (section 11)."""

import datetime
import re


def _time(at_ms):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds") + "Z"


def _one_line(text):
    return re.sub("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]+", " ", text)


def _blurred(decision):
    blurred = [file for _, file in decision.files if file["rendition"] == "blurred"]
    whole = sum(file.get("pixelated") == "whole" for file in blurred)
    lines = []
    if any("pixelated" in file for file in blurred):
        lines.append("Blurred:    by the hub, as it recorded\n")
    if any("pixelated" not in file and "derivedFrom" in file for file in blurred):
        lines.append("Blurred:    on an owner's device\n")
    if whole:
        lines.append(f"            {whole} of the files are pixelated whole: they could not be looked at\n")
    return lines


def _viewer(terms):
    if "viewerSha256" not in terms:
        return []
    return [
        "\nTo look at them:  open viewer.html in a browser, and give it this zip and your key.\n",
        f"                  Its SHA-256: {terms['viewerSha256']}\n",
        "                  Your key is yours: where you are not sure who made this zip, take viewer.html\n",
        "                  from the project itself, or use one of the commands below.\n",
    ]


def readme(decision):
    terms = decision.terms
    clips = [
        f"  {clip['camera']}: {_time(clip['fromMs'])} to {_time(clip['toMs'])}, {len(clip['files'])} files\n"
        for clip in terms["clips"]
    ]
    sound = "included" if terms["redactions"]["audio"] == "included" else "left out"
    return "".join([
        "RECORDINGS RELEASED BY THEIR OWNER\n\n",
        "The household that recorded them signed for exactly the files below, for one recipient.\n",
        "Each file in files/ is a standard age file (age-encryption.org/v1).\n\n",
        f"Request:    {terms['request']}\n",
        f"Ledger:     {terms['origin']}\n",
        f"Recipient:  {' '.join(terms['recipientWords'])}\n",
        f"Faces:      {terms['redactions']['faces']}\n",
        *_blurred(decision),
        f"Sound:      {sound}\n",
        f"Purpose:    {_one_line(terms['purpose'])}\n\n",
        "Recordings:\n",
        *clips,
        *_viewer(terms),
        "\nTo check by hand: sha256sum -c hashes.txt\n",
        "To open by hand:  age -d -i YOUR-KEY.txt files/NAME > NAME.mp4\n",
        "                  (a post-quantum key needs age 1.3 or later)\n",
        "To check the signatures, the proofs and every byte: doorward verify BUNDLE.zip\n",
        f"\n{len(decision.release)} files. Copies that were opened cannot be recalled.\n",
    ])
