"""`b24-pipeline metrics`: the audit's figures as Prometheus reads them."""

import json
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from b24_pipeline.audit.metrics import METRICS
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline_tests.cli.conftest import Terminal
from b24_pipeline_tests.cli.test_processes import COMMAND
from b24_pipeline_tests.harness import STEPS, World
from b24_pipeline_tests.processes import PROJECT, START_SECONDS, free_port, started, wait_for

DASHBOARD = json.loads((PROJECT / "deploy/grafana/b24_pipeline.json").read_text())
QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"].replace("$connection", ".*")
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
PAGE = (PROJECT / "docs/monitoring.md").read_text()
PROMETHEUS = shutil.which("prometheus")
NAMES = {f"b24_pipeline_{name}": metric.label for name, metric in METRICS.items()} | {
    "b24_pipeline_audit_readable": None
}


def samples(text: str) -> dict[str, float]:
    """What Prometheus reads: series with their labels, and their values."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    return {
        " ".join([sample.name.removeprefix("b24_pipeline_"), *(value for _, value in sorted(sample.labels.items()))]): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@contextmanager
def served(*arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """`b24-pipeline metrics --listen` as a process of its own, in this folder; gives its address."""
    command = [*COMMAND, "metrics", "--listen", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().partition("Metrics: ")[2].strip(), process
        finally:
            process.send_signal(signal.SIGTERM)


def test_an_import_is_told_with_its_status_its_people_and_what_is_left(portal: World, terminal: Terminal) -> None:
    portal.hire("Newcomer")
    ended = portal.import_people()

    said = terminal("metrics")

    found = samples(said.out)
    assert (said.code, said.err, found["audit_readable default"]) == (0, "", 1)
    assert [found[f"last_import_status default {status}"] for status in ("done", "failed", "held")] == [1, 0, 0]
    assert found["last_import_timestamp_seconds default"] == ended.row["started_at"].timestamp()
    assert found["last_success_timestamp_seconds default"] == ended.row["finished_at"].timestamp()
    assert [found[f"last_import_people {name}"] for name in ("default users", "default matched_by_id")] == [10, 9]
    assert [found[f"last_import_actions {name} default"] for name in ("created", "failed")] == [1, 0]
    assert [found[f"{name} default"] for name in ("linked_people", "pending_retries")] == [10, 0]
    assert found["last_import_callgear_points default"] == ended.row["callgear_points"] > 0
    assert found["callgear_points_spent default"] >= ended.row["callgear_points"]


def test_every_metric_has_a_value_after_an_import(portal: World, terminal: Terminal) -> None:
    portal.run(assets=(*STEPS, "import_report"))
    found = {series.partition(" ")[0] for series in samples(terminal("metrics").out)}
    assert found == {name.removeprefix("b24_pipeline_") for name in NAMES}


def test_a_failed_import_is_told_beside_the_last_success(portal: World, terminal: Terminal) -> None:
    before = samples(terminal("metrics").out)
    portal.sandbox.faults.add(Fault(FaultKind.WEBHOOK_REVOKED_401, api="bitrix24", times=None))
    portal.import_people()

    found = samples(terminal("metrics").out)

    assert (found["last_import_status default failed"], found["failures_since_success default"]) == (1, 1)
    assert found["last_success_timestamp_seconds default"] == before["last_success_timestamp_seconds default"]
    assert found["linked_people default"] == 9


def test_records_that_are_refused_are_counted_until_they_succeed(portal: World, terminal: Terminal) -> None:
    portal.hire("Newcomer")
    portal.sandbox.faults.add(Fault(FaultKind.MNEMONIC, api="callgear", method="create.employees", nth=1))
    portal.import_people()

    found = samples(terminal("metrics").out)

    assert (found["pending_retries default"], found["last_import_actions failed default"]) == (1, 1)


def test_what_cannot_be_read_is_a_figure_too_and_50(world: World, terminal: Terminal) -> None:
    assert world
    said = terminal("metrics")

    assert (said.code, samples(said.out)) == (50, {"audit_readable default": 0})
    assert re.fullmatch(r"b24-pipeline: There is no database .+ yet; run an import first\.\n", said.err)


def test_they_are_served_anew_for_each_request_until_the_process_is_stopped(portal: World, terminal: Terminal) -> None:
    with served("0") as (address, process):
        first = samples(httpx.get(address).text)
        portal.hire("Newcomer")
        portal.import_people()
        second = samples(httpx.get(address).text)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=START_SECONDS) == 0

    assert address.startswith("http://127.0.0.1:")
    assert (first["linked_people default"], second["linked_people default"]) == (9, 10)
    assert samples(terminal("metrics").out).keys() == second.keys()


@pytest.mark.parametrize("address", ["", "x", "70000", "-1", "a b:9124", ":", "1.2.3.4:"])
def test_an_address_that_is_none_is_2_and_one_line(terminal: Terminal, address: str) -> None:
    said = terminal("metrics", "--listen", address)
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith(f"{address} is not [HOST:]PORT. Example: b24-pipeline metrics --listen 9124\n")


def test_a_port_that_is_taken_is_2_and_one_line(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = terminal("metrics", "--listen", str(taken.getsockname()[1]))
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"b24-pipeline: --listen: port {taken_port(said.err)} of 127.0.0.1 cannot be used (Address already in use)\n"
    )


def taken_port(text: str) -> str:
    found = re.search(r"port (\d+)", text)
    assert found
    return found[1]


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_every_query_of_the_dashboard_names_metrics_and_labels_that_exist(query: str) -> None:
    selected = re.findall(r"(b24_pipeline_\w+)\{([^}]*)\}", query)
    assert selected
    for name, matchers in selected:
        assert set(re.findall(r"(\w+)=", matchers)) <= {"connection", NAMES[name]}
    assert len(selected) == query.count("b24_pipeline_")


def test_every_legend_of_the_dashboard_names_a_label_that_exists() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            labels = {"connection", *(NAMES[name] for name in re.findall(r"b24_pipeline_\w+", target["expr"]))}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


def test_the_page_lists_every_metric_with_its_label_and_meaning() -> None:
    rows = re.findall(r"^\| `(b24_pipeline_\w+)` \| (?:`(\w+)`)? ?\| (.+) \|$", PAGE, re.MULTILINE)
    assert {name: label or None for name, label, _ in rows} == NAMES
    meanings = {name: meaning for name, _, meaning in rows}
    assert {name: meanings[f"b24_pipeline_{name}"] for name in METRICS} == {
        name: metric.meaning for name, metric in METRICS.items()
    }


@pytest.mark.long
@pytest.mark.skipif(PROMETHEUS is None, reason="no Prometheus here: apt-get install prometheus")
def test_prometheus_answers_every_query_of_the_dashboard(portal: World, terminal: Terminal, tmp_path: Path) -> None:
    portal.run(assets=(*STEPS, "import_report"))
    with served("0") as (address, _):
        (tmp_path / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\n"
            "scrape_configs: [{job_name: b24, static_configs: [{targets: ["
            f"'{httpx.URL(address).netloc.decode()}']}}]}}]\n"
        )
        url = f"http://127.0.0.1:{free_port()}"
        listen = f"--web.listen-address={httpx.URL(url).netloc.decode()}"
        command = [
            PROMETHEUS or "",
            listen,
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/tsdb",
        ]
        with started(*command, log=tmp_path / "prometheus.log") as process:
            wait_for(
                "a scrape",
                lambda: answer(url, "b24_pipeline_audit_readable"),
                seconds=START_SECONDS,
                process=process,
            )
            answers = {title: answer(url, query) for title, query in QUERIES.items()}

    assert [title for title, found in answers.items() if not found] == []
    assert terminal("metrics").code == 0


def answer(url: str, query: str) -> list[object]:
    """The series that Prometheus finds; a query that it does not understand is an error."""
    found = httpx.get(f"{url}/api/v1/query", params={"query": query})
    found.raise_for_status()
    return list(found.json()["data"]["result"])
