"""The figures of a run that follow from the frames of its steps."""

from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules.models import ActionKind, Eligibility, MatchKind, Outcome
from b24_pipeline.sync.run import ImportRun


def count_employees(run: ImportRun, employees: DataFrame[schemas.Employees]) -> None:
    """The figures of the judged users."""
    standing = employees["eligibility"].value_counts()
    rejected = int(standing.get(Eligibility.REJECTED, 0))
    run.count(
        users=len(employees),
        candidates=int(standing.get(Eligibility.CANDIDATE, 0)) + rejected,
        rejected=rejected,
        out_of_scope=int(standing.get(Eligibility.OUT_OF_SCOPE, 0)),
    )


def count_matches(run: ImportRun, matches: DataFrame[schemas.Matches]) -> None:
    """The figures of the match table."""
    kinds = matches["match_type"].value_counts()
    run.count(
        matched_by_id=int(kinds.get(MatchKind.BY_ID, 0)),
        matched_by_email=int(kinds.get(MatchKind.BY_EMAIL, 0)),
        conflicts=int(kinds.get(MatchKind.CONFLICT, 0)),
    )


def count_actions(run: ImportRun, actions: DataFrame[schemas.Actions]) -> None:
    """Count how the actions of a step ended."""
    if actions.empty:
        return
    outcome, action = actions["outcome"], actions["action"]
    done = outcome == Outcome.DONE
    filled = (
        done
        & action.isin([ActionKind.LINK, ActionKind.UPDATE])
        & actions["after"].str.contains('"phone_numbers"', regex=False).fillna(value=False).astype(bool)
    )
    tally = {
        "created": done & (action == ActionKind.CREATE),
        "linked": done & (action == ActionKind.LINK),
        "phones_added": filled,
        "failed": outcome == Outcome.FAILED,
        "deferred": outcome == Outcome.DEFERRED,
        "held": outcome == Outcome.HELD,
        "backing_off": outcome == Outcome.WAITING,
        "responsible_removed": done & (action == ActionKind.REMOVE_RESPONSIBLE),
    }
    run.count(**{name: getattr(run.counts, name) + int(rows.sum()) for name, rows in tally.items()})
