"""All commands of `b24-pipeline`, declared; this loads nothing heavy."""

import click

from b24_pipeline import __version__
from b24_pipeline.cli import options
from b24_pipeline.cli.exit_codes import Exit, described
from b24_pipeline.cli.group import USUAL_CODES, Command, Group

REAL_OR_SANDBOX = "use the built-in sandbox instead of the real systems"
PERSON = "a Bitrix24 user id or an e-mail address"
DECIDING = (Exit.DONE, Exit.USAGE, Exit.IN_PROGRESS, Exit.FAILED)
COMMANDS = [
    Command(
        "sync",
        "sync.sync",
        "Run the import once, through Dagster.",
        click.Option(["--dry-run"], is_flag=True, help="read everything, show the plan, change nothing"),
        click.Option(["--failed"], is_flag=True, help="only people whose action has failed: retry it now"),
        options.ids("--only", meaning="only these Bitrix24 user ids; shows for each what was read, decided and sent"),
        *options.place(REAL_OR_SANDBOX),
        options.every_connection(),
        options.as_json("print the result as one JSON object, on the last line"),
        click.Option(["-v", "--verbose"], is_flag=True, help="show Dagster's log on standard error"),
        example="sync --dry-run --only 42",
        codes=[code for code in Exit if code is not Exit.STALE],
    ),
    Command(
        "init",
        "init.init",
        "Make a project folder of your own, with settings to fill in and systemd units.",
        click.Argument(["folder"], type=options.from_here, metavar="FOLDER", help="a new folder, or an empty one"),
        example="init my_project",
        codes=(Exit.DONE, Exit.USAGE),
    ),
    Command(
        "sandbox",
        "serve.sandbox",
        "Run a local simulator of both systems.",
        click.Option(
            ["--port"], type=options.FREE_PORT, default=8024, show_default=True, help="port on 127.0.0.1; 0: a free one"
        ),
        click.Option(["--reset"], is_flag=True, help="reset the demo data"),
        example="sandbox --port 8024",
    ),
    Command(
        "dev",
        "serve.dev",
        "Run the Dagster UI on 127.0.0.1; schedule and sensor are off until switched on.",
        options.sandbox(REAL_OR_SANDBOX),
        click.Option(["--port"], type=options.PORT, default=3000, show_default=True, help="port of the UI"),
        options.allowed_host(),
        example="dev --port 3000 --allowed-host dagster.example.com",
    ),
    Command(
        "daemon", "serve.daemon", "Run Dagster's daemon, for production: schedule, sensors, runs.", example="daemon"
    ),
    Command(
        "webserver",
        "serve.webserver",
        "Run the Dagster UI alone, for production beside the daemon.",
        click.Option(["--host"], default="127.0.0.1", show_default=True, help="address to listen on"),
        click.Option(["--port"], type=options.PORT, default=3000, show_default=True, help="port of the UI"),
        click.Option(["--read-only"], is_flag=True, help="for people who may not change anything"),
        options.allowed_host(),
        example="webserver --port 3000 --allowed-host dagster.example.com",
    ),
    Command(
        "env",
        "serve.env",
        'Print what a shell needs for Dagster\'s own commands: eval "$(b24-pipeline env)".',
        options.sandbox("use the built-in sandbox, while it is running"),
        example="env --sandbox",
    ),
    Command(
        "check",
        "check.check",
        "Verify access to both systems, without changing anything.",
        click.Option(
            ["--prove-update"],
            type=options.number,
            metavar="CALLGEAR_ID",
            help="instead: send this CallGear employee its own last name, unchanged, and verify that its phones stay",
        ),
        *options.place(REAL_OR_SANDBOX),
        options.every_connection(),
        example="check --prove-update 1234567",
        codes=DECIDING,
    ),
    Command(
        "history",
        "audit.history",
        "List the last runs.",
        click.Option(
            ["--since"],
            metavar="DATE",
            help="runs since then, in UTC if it names no zone, e.g. 2026-01-31 or 2026-01-31T08:00+03:00",
        ),
        click.Option(
            ["--limit"], type=click.IntRange(1, 1_000_000), default=20, show_default=True, help="how many runs at most"
        ),
        options.as_json(),
        *options.place(),
        options.every_connection("the runs of every connection"),
        example="history --limit 50",
    ),
    Command(
        "explain",
        "audit.explain",
        "Show a person's history, newest first.",
        click.Argument(["person"], type=options.text, metavar="ID|EMAIL", help=PERSON),
        options.as_json(),
        *options.place(),
        example="explain 42",
    ),
    Command(
        "report",
        "report.report",
        "Write the report as one HTML file: people, runs, rejects, links, points.",
        click.Option(
            ["--output"],
            type=options.from_here,
            metavar="FILE",
            help="where to write it (default: report.html beside the database)",
        ),
        *options.place(),
        example="report --output report.html",
    ),
    Command(
        "export",
        "audit.export",
        "Write every table of the audit as Parquet files, one folder a table.",
        click.Argument(
            ["address"],
            type=options.from_here,
            metavar="FOLDER",
            help="a folder, or the address of an object store, for example s3://company-lake/b24_pipeline",
        ),
        *options.place(),
        example="export s3://company-lake/b24_pipeline",
    ),
    Command(
        "check-freshness",
        "check_freshness.check_freshness",
        "Check import freshness (for cron); sends alerts.",
        click.Option(
            ["--after-minutes"],
            type=options.minutes,
            default=60,
            show_default=True,
            metavar="N",
            help="how old the last successful import may be",
        ),
        *options.place(),
        options.every_connection(),
        example="check-freshness --after-minutes 60",
        codes=(*USUAL_CODES, Exit.STALE),
    ),
    Command(
        "metrics",
        "metrics.metrics",
        "Print the audit's figures for Prometheus, of every connection; serve them with --listen.",
        click.Option(
            ["--listen"],
            type=options.listen_address,
            metavar="[HOST:]PORT",
            help="serve them at /metrics until stopped, on 127.0.0.1 unless a host is given",
        ),
        *options.place(),
        example="metrics --listen 9124",
    ),
    Command(
        "approve",
        "audit.approve",
        "Approve a held run, for 24 hours.",
        click.Argument(["run_id"], type=options.text, metavar="RUN_ID", help="the first 8 characters are enough"),
        options.ids(
            "--user",
            "--only",
            meaning="approve the conflicts of these users: email_reused, similar_email, identity_changed, other_name",
        ),
        options.comment("why; kept in audit.approvals with the name of the operating system's user"),
        *options.place(),
        example="approve 1f0c2a9e",
        codes=DECIDING,
    ),
    Command(
        "unlink",
        "audit.unlink",
        "End the links of users who are not the people they were linked for; they are matched afresh.",
        click.Argument(
            ["users"], nargs=-1, required=True, type=options.number, metavar="ID...", help="Bitrix24 user ids"
        ),
        options.comment("why; kept in audit.links_history with who did it"),
        *options.place(),
        example='unlink 42 --comment "another person"',
        codes=DECIDING,
    ),
    Command(
        "resolve-duplicates",
        "audit.resolve_duplicates",
        "Confirm that employees doubled by another import are resolved: create employees again.",
        *options.place(),
        example="resolve-duplicates",
        codes=DECIDING,
    ),
    Command(
        "erase",
        "audit.erase",
        "Erase a person's data from snapshots and actions; counts stay.",
        click.Argument(["person"], type=options.text, metavar="ID|EMAIL", help=PERSON),
        *options.place(),
        example="erase 42",
        codes=DECIDING,
    ),
    Command(
        "rebind",
        "audit.rebind",
        "Rebind the database to the configured portal and account.",
        *options.place(),
        example="rebind",
        codes=DECIDING,
    ),
]
GROUP = Group(
    "b24-pipeline",
    commands=COMMANDS,
    no_args_is_help=False,
    help="Import the employees of a Bitrix24 portal into a CallGear account.",
    epilog=described(*Exit),
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, message="%(version)s")(GROUP)
