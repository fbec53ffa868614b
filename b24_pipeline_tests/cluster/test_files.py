"""What is shipped for several machines says the same in each of its files."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from b24_pipeline_tests.cluster.engines import CONFIGURATION
from b24_pipeline_tests.processes import PROJECT
from b24_pipeline_tests.security.test_deployment import LOCKED, options

HOMES = {name: CONFIGURATION / name / "dagster.yaml" for name in ("", "celery", "worker")}
ONLY_HERE = {"": set(), "celery": {"run_launcher", "compute_logs"}, "worker": {"run_monitoring", "compute_logs"}}
NOT_OF_WORKERS = {"run_queue", "concurrency", "retention", "schedules", "sensors"}
SECRETS = {"DAGSTER_PG_PASSWORD", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"}


def loaded(path: Path) -> Any:
    """The content of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("home", HOMES)
def test_a_home_of_dagster_is_the_projects_own_but_for_what_it_is_there_for(home: str) -> None:
    own, ours = loaded(PROJECT / "dagster.yaml"), loaded(HOMES[home])
    expected = own.keys() - (NOT_OF_WORKERS if home == "worker" else set())
    differing = {"storage"} | ONLY_HERE[home]

    assert ours.keys() == expected | ONLY_HERE[home]
    assert {name: ours[name] for name in expected - differing} == {name: own[name] for name in expected - differing}
    assert ours["storage"] == loaded(HOMES[""])["storage"]


def test_what_a_run_prints_on_another_machine_stays_in_the_log_of_its_worker() -> None:
    kept = {home: loaded(file)["compute_logs"]["class"] for home, file in HOMES.items()}
    assert kept == {"": "LocalComputeLogManager"} | dict.fromkeys(("celery", "worker"), "NoOpComputeLogManager")


def test_monitoring_is_off_for_workers_alone() -> None:
    assert {home: loaded(file)["run_monitoring"]["enabled"] for home, file in HOMES.items()} == {
        "": True,
        "celery": True,
        "worker": False,
    }


def test_the_worker_is_kept_from_as_much_as_the_daemon() -> None:
    unit = CONFIGURATION / "b24-pipeline-worker.service"
    assert LOCKED.items() <= dict(options(unit)).items()
    assert f"DAGSTER_HOME=/opt/b24_pipeline/{HOMES['worker'].parent.relative_to(PROJECT)}" in unit.read_text()


def test_no_unit_has_what_systemd_would_replace() -> None:
    assert [unit.name for unit in (PROJECT / "deploy").rglob("*.service") if "%" in unit.read_text()] == []


def test_only_what_executes_code_of_the_import_is_given_the_connection() -> None:
    services = loaded(CONFIGURATION / "compose.yaml")["services"]
    given = {name for name, service in services.items() if "secrets/connection.env" in service.get("env_file", [])}
    assert given == {"code", "worker"}
    assert {service["environment"]["DAGSTER_HOME"] for service in services.values() if "env_file" in service} == {
        "/app/deploy/cluster/celery",
        "/app/deploy/cluster/worker",
    }


def test_kubernetes_watches_over_runs_as_the_other_homes_do() -> None:
    daemon, own = loaded(CONFIGURATION / "helm-values.yaml")["dagsterDaemon"], loaded(PROJECT / "dagster.yaml")
    assert daemon["runMonitoring"]["maxRuntimeSeconds"] == own["run_monitoring"]["max_runtime_seconds"]
    queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert queue["maxConcurrentRuns"] == own["concurrency"]["runs"]["max_concurrent_runs"]
    assert queue["tagConcurrencyLimits"] == own["concurrency"]["runs"]["tag_concurrency_limits"]


def test_no_file_has_a_secret() -> None:
    texts = [path.read_text() for path in CONFIGURATION.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for name in SECRETS:
        assert not [text for text in texts if f"{name}=" in text or f"{name}: " in text]
