"""The page of what was tried: `make faults` counts the cases of the fault matrix and of the crash matrix."""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from b24_pipeline.sandbox import Phase
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.faults.cases import (
    CALLGEAR_KINDS,
    CHECKED,
    PORTAL_ENDS,
    Case,
    once_each,
    usual_cases,
    whole_cases,
)
from b24_pipeline_tests.faults.prepared_scenarios import PreparedScenarios
from b24_pipeline_tests.scenarios import Scenario

KILLED_AT_EVERY_REQUEST: tuple[Scenario, ...] = (
    scenarios.FORTY,
    scenarios.LEAVERS,
    scenarios.MIRROR,
    scenarios.CLEARING,
)
ELSEWHERE = {
    "a full disk, a read-only folder, files that are no database of ours": "faults/test_disk_errors.py",
    "the thresholds of one run, the distances between tries, what is put off": "faults/test_thresholds.py",
    "10,000 people under 200 points a minute and 3,500 a day, over simulated days": "faults/test_long_import.py",
    "answers that never end, or are of any size when decoded": "connection/test_endless_answers.py",
    "proxies, certificates, services that echo a secret": "connection/",
    "a private authority, redirects, nobody there": "faults/test_network_errors.py",
    "a source that cannot be trusted, an account that is read incompletely": "sync/test_trust.py",
    "safety limits, approvals, a lost database": "sync/test_limits.py",
    "two runs at once, a lock left by a dead process": "sync/test_run_lock.py",
    "secrets in any byte that runs leave behind, hostile texts": "security/",
}
HEAD = """# What was tried against faults and crashes

The import runs unattended against two systems that fail in every way. Two matrices hold it to that, over real HTTP
against the sandbox, with a real DuckDB file; this page is counted from them by `make faults`.

Each case ends with the same questions: is nobody doubled, is no phone lost or changed, was nobody taken off the
responsible list without proof, was nothing written after the account was refused, does the audit tell the truth, and
does a clean next run make everything right?

"""


def page() -> str:
    """The page."""
    usual, whole = once_each(usual_cases()), once_each(whole_cases())
    return HEAD + fault_matrix(usual, whole) + crash_matrix(requests_of_scenarios())


def fault_matrix(usual: list[Case], whole: list[Case]) -> str:
    """How many cases of which call, and of which fault."""
    lines = [
        "## The fault matrix\n",
        f"`make matrix` runs all {len(whole)} cases: every call that the import makes, every fault that can meet it,",
        f"at its first, middle and last occurrence. `make test` runs {len(usual)} of them: every fault at some calls,",
        "every call with some faults. Continuous integration runs both.\n",
        *table("call", Counter(case.method for case in usual), Counter(case.method for case in whole)),
        "",
        *table("fault", Counter(map(fault_of, usual)), Counter(map(fault_of, whole))),
        "",
        f"What only looks meets every fault too: the sensor ({len(PORTAL_ENDS)} cases) and `b24-pipeline check`",
        f"({len(PORTAL_ENDS) + len(CHECKED) * len(CALLGEAR_KINDS)} cases). It ends, says what is, and writes nothing.",
        "`make test` tries every second case.",
        "",
    ]
    return "\n".join(lines) + "\n"


def fault_of(case: Case) -> str:
    """The fault in words."""
    if case.mnemonic:
        return f"{case.mnemonic.word} ({case.mnemonic.code})"
    return case.kind.name.lower().replace("_", " ")


def table(title: str, usual: Counter[str], whole: Counter[str]) -> Iterable[str]:
    """Counts by name."""
    yield f"| {title} | in `make test` | in `make matrix` |"
    yield "| --- | ---: | ---: |"
    for name in sorted(whole):
        yield f"| {name} | {usual[name]} | {whole[name]} |"
    yield f"| **all** | **{usual.total()}** | **{whole.total()}** |"


def crash_matrix(requests: dict[str, int]) -> str:
    """At how many requests of which scenario the run was killed."""
    lines = [
        "## The crash matrix\n",
        "A real process is killed with SIGKILL at each request it sends, before and after the server acts. In",
        "`make test` it is killed once at each request of the long import, and at every fourth one of the others.\n",
        "| scenario | requests | deaths |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {number} | {number * len(Phase)} |" for name, number in requests.items()),
        f"| **all** | **{sum(requests.values())}** | **{sum(requests.values()) * len(Phase)}** |",
        "",
        "Others die with eight requests in flight, or as the command `b24-pipeline sync` with Dagster around them.",
        "",
        "## What else was tried",
        "",
        "| trouble | where it is proven |",
        "| --- | --- |",
        *(f"| {trouble} | `{file}` |" for trouble, file in ELSEWHERE.items()),
    ]
    return "\n".join(lines) + "\n"


def requests_of_scenarios() -> dict[str, int]:
    """How many requests each scenario's run sends."""
    with tempfile.TemporaryDirectory() as folder:
        prepared_scenarios = PreparedScenarios(Path(folder))
        return {scenario.name: prepared_scenarios.get(scenario).calls.total() for scenario in KILLED_AT_EVERY_REQUEST}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        Path(sys.argv[2]).write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
