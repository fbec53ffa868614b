"""The page of what was tried tells what is tried."""

from pathlib import Path

from b24_pipeline_tests.faults import table
from b24_pipeline_tests.faults.cases import once_each, usual_cases, whole_cases

PAGE = Path(__file__).resolve().parents[2] / "docs" / "internals" / "faults.md"


def test_the_page_of_faults_is_what_make_faults_writes() -> None:
    usual, whole = once_each(usual_cases()), once_each(whole_cases())

    assert len(usual) >= 250
    assert len(whole) >= 1000
    assert {(case.kind, case.mnemonic) for case in usual} == {(case.kind, case.mnemonic) for case in whole}
    assert {(case.scenario.name, case.method) for case in usual} == {
        (case.scenario.name, case.method) for case in whole
    }
    assert table.fault_matrix(usual, whole) in PAGE.read_text(encoding="utf-8")
