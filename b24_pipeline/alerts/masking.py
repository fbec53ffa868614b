"""Takes out of a text what is more of a person than a name: addresses, e-mails, and numbers that may be phones."""

import re

from b24_pipeline.rules.phone_numbers import SHORTEST_PHONE

ADDRESS = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]++://\S++", re.IGNORECASE)
EMAIL = re.compile(r"(?<![^\s@<>,;:\"'])[^\s@<>,;:\"']++@[^\s@<>,;\"']++")
"""Each begins where its first part does, and gives nothing back: every character is looked at a few times at most."""
OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
NO_PHONES = (
    r"\b(?:HTTP|status) \d{3}\b",
    r"\bcode -?\d{1,5}\b",
    r"\b(?:process|employee|users?) \d{1,9}\b",
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b",
    rf"(?<![\d.])(?:{OCTET}\.){{3}}{OCTET}(?![\d.])",
    r"\b20\d\d-[01]\d-[0-3]\d(?:[ T][0-2]\d:[0-5]\d(?::[0-5]\d)?)?\b",
    r"(?<![\w,])[\d,]++ (?:different |active )?(?:users|employees|owners|rows|characters|MiB|were announced)\b",
    r"\bcounts [\d,]+(?: before and [\d,]+ after)?",
)
"""How we write what is no phone number: answers, codes, ids, runs, machines, times, counts."""
NUMBER = re.compile(
    rf"(?P<kept>{'|'.join(NO_PHONES)})|(?<![+(])[+(]*+\d(?:[\s().\-/]{{0,3}}\d){{{SHORTEST_PHONE - 1},}}", re.IGNORECASE
)
"""Every other number as long as CallGear's shortest phone number (R05)."""


def masked(text: str) -> str:
    """The text without them."""
    text = EMAIL.sub("(e-mail)", ADDRESS.sub("(address)", text))
    return NUMBER.sub(lambda found: found["kept"] or "(number)", text)
