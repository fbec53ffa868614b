"""What is shipped to run it in production: units, the container, the proxy."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from b24_pipeline_tests.processes import PROJECT, free_port
from b24_pipeline_tests.security.nginx import NGINX, configuration

DEPLOY = PROJECT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSURE = 3.0
LOCKED = {
    "CapabilityBoundingSet": "",
    "LimitCORE": "0",
    "LockPersonality": "true",
    "NoNewPrivileges": "true",
    "PrivateDevices": "true",
    "PrivateTmp": "true",
    "ProtectClock": "true",
    "ProtectControlGroups": "true",
    "ProtectHome": "true",
    "ProtectHostname": "true",
    "ProtectKernelLogs": "true",
    "ProtectKernelModules": "true",
    "ProtectKernelTunables": "true",
    "ProtectSystem": "strict",
    "ReadWritePaths": "/opt/b24_pipeline/data",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "true",
    "RestrictSUIDSGID": "true",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
    "User": "b24",
}


def options(unit: Path) -> list[tuple[str, str]]:
    lines = [line for line in unit.read_text().splitlines() if line and line[0] not in "#["]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def test_the_units_are_the_daemon_the_webserver_and_the_alarm() -> None:
    assert [unit.stem for unit in UNITS] == [
        "b24-pipeline-check-freshness",
        "b24-pipeline-daemon",
        "b24-pipeline-webserver",
    ]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_may_do_what_it_needs_and_no_more(unit: Path) -> None:
    assert LOCKED.items() <= dict(options(unit)).items()
    calls = [value for name, value in options(unit) if name == "SystemCallFilter"]
    assert calls == ["@system-service", "~@privileged @resources"]


@pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze here: apt-get install systemd")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_a_unit_hardly_exposed(unit: Path) -> None:
    said = subprocess.run(
        [ANALYZE or "", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said.stdout)
    assert found
    assert float(found[1]) <= MOST_EXPOSURE


def test_the_webserver_is_given_no_settings() -> None:
    given = {unit.stem: "EnvironmentFile" in dict(options(unit)) for unit in UNITS}
    assert given == {"b24-pipeline-daemon": True, "b24-pipeline-check-freshness": True, "b24-pipeline-webserver": False}
    assert [value for name, value in options(DEPLOY / "b24-pipeline-webserver.service") if name == "Environment"] == [
        "DAGSTER_HOME=/opt/b24_pipeline"
    ]
    in_containers = re.findall(r"^podman run .*", (PROJECT / "docs/production.md").read_text(), re.MULTILINE)
    assert {line.rpartition("b24-pipeline ")[2].split()[0]: "--env-file" in line for line in in_containers} == {
        "daemon": True,
        "webserver": False,
    }


@pytest.mark.skipif(NGINX is None, reason="no nginx here: apt-get install nginx")
def test_nginx_understands_the_file_for_the_proxy(tmp_path: Path) -> None:
    file = configuration(tmp_path, webserver_port=3000, port=free_port())
    said = subprocess.run(
        [NGINX or "", "-t", "-p", str(tmp_path), "-c", str(file)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert "[warn]" not in said.stderr
