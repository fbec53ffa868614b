"""The scope with the departments below the chosen ones (R03), read before anybody is judged."""

from collections.abc import Mapping
from dataclasses import replace

from b24_pipeline.bitrix24.departments import Department, fetch_departments
from b24_pipeline.rules.departments import with_those_below
from b24_pipeline.settings.departments import DepartmentIds
from b24_pipeline.sync.run import ImportRun


def resolve_scope(run: ImportRun) -> None:
    """Let the run's scope cover the departments below the chosen ones, and note in the audit which those are (R20).

    The portal is asked only where the settings name a department that stands for those below it.

    Raises:
        IncompleteFetchError: what was read cannot be all departments; using it could change the scope.
        Bitrix24Error: they cannot be read.
    """
    included = run.connection.settings.include_departments
    excluded = run.connection.settings.exclude_departments
    if run.scope is not None or not (included or excluded):
        return
    known: Mapping[int, Department] = {}
    if included.with_those_below or excluded.with_those_below:
        known = fetch_departments(run.connection.bitrix24)
        note_unknown(run, included | excluded, known)
    run.scope = replace(
        run.policy.scope,
        include_departments=expanded(included, known),
        exclude_departments=expanded(excluded, known),
    )
    run.store.record_policy(run.config.as_json(scope=run.scope))


def expanded(chosen: DepartmentIds, known: Mapping[int, Department]) -> frozenset[int]:
    """The ids of all departments that a setting stands for."""
    parents = {number: department.parent for number, department in known.items()}
    return chosen.alone | with_those_below(chosen.with_those_below, parents=parents)


def note_unknown(run: ImportRun, chosen: frozenset[int], known: Mapping[int, Department]) -> None:
    """Say which departments the portal does not have."""
    if missing := sorted(chosen - known.keys()):
        run.warnings.append(f"the portal has no department {', '.join(map(str, missing))}, which the settings name")
