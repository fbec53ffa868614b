"""`b24-pipeline stale`: the alarm for when nothing runs at all. For cron or a systemd timer, beside Dagster."""

import argparse
import os
import sys
from datetime import timedelta

from b24_pipeline import settings
from b24_pipeline.alerts.conditions import State
from b24_pipeline.alerts.notify import Told, tell_changes
from b24_pipeline.cli.audit import paths_of
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.result import printable_line
from b24_pipeline.cli.sandbox import receivers
from b24_pipeline.connection import utc_now


def stale(arguments: argparse.Namespace) -> Exit:
    """Say whether an import has succeeded lately, and tell the receivers of alerts what has changed.

    That nobody could be told, because it cannot be noted, is a failure: whoever calls this must hear of it otherwise.
    """
    if arguments.sandbox:
        os.environ.update(receivers())
    chosen = settings.load_alerting().model_copy(update={"database": paths_of(arguments).published})
    told = tell_changes(chosen, now=utc_now(), stale_after=timedelta(minutes=arguments.after_minutes))
    for line in lines_of(told):
        print(printable_line(line))
    if told.not_noted:
        print(f"b24-pipeline: nobody is told: {printable_line(told.not_noted)}", file=sys.stderr)
        return Exit.FAILED
    return Exit.STALE if State.STALE in {trouble.state for trouble in told.conditions} else Exit.DONE


def lines_of(told: Told) -> list[str]:
    """What holds, who was told, and who could not be."""
    states = [f"{trouble.state}: {trouble.words}" for trouble in told.conditions] or ["The import is well."]
    receivers = [f"told by {receiver}" for receiver in told.receivers]
    return [*states, *receivers, *(f"not delivered: {why}" for why in told.not_delivered)]
