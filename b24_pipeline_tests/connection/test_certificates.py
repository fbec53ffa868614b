"""What names certificates and names none is one line and exit code 2."""

from pathlib import Path

import pytest

from b24_pipeline_tests.alerts.receivers import CERTIFICATE
from b24_pipeline_tests.cli.conftest import Terminal
from b24_pipeline_tests.harness import World


@pytest.fixture
def no_certificates(tmp_path: Path) -> Path:
    """A file that is there and holds none."""
    path = tmp_path / "readme.txt"
    path.write_text("nothing")
    return path


@pytest.mark.parametrize("command", ["sync", "check", "rebind"])
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_variable_that_names_no_certificates_is_2(
    portal: World, terminal: Terminal, command: str, variable: str
) -> None:
    portal.set(**{"SSL_CERT_FILE": "", variable: "/nowhere/at/all"})

    said = terminal(command)

    kind = "file" if variable == "SSL_CERT_FILE" else "folder"
    (line,) = said.err.splitlines()
    assert (said.code, "Traceback" in said.out) == (2, False)
    assert line.startswith(f"b24-pipeline: {variable}: /nowhere/at/all is not a readable {kind} of certificates (PEM).")


@pytest.mark.parametrize("bundle", [False, True])
def test_a_file_that_holds_no_certificates_is_2(
    portal: World, terminal: Terminal, no_certificates: Path, bundle: bool
) -> None:
    portal.set(SSL_CERT_FILE=str(no_certificates), **({"B24_PIPELINE_CA_BUNDLE": str(CERTIFICATE)} if bundle else {}))

    said = terminal("check")

    assert (said.code, said.err.startswith(f"b24-pipeline: SSL_CERT_FILE: {no_certificates} is not")) == (2, True)


def test_an_empty_folder_of_certificates_is_2(portal: World, terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    portal.set(SSL_CERT_FILE="", SSL_CERT_DIR=str(tmp_path / "certs"))

    assert terminal("check").code == 2


def test_a_file_of_certificates_is_taken(portal: World, terminal: Terminal) -> None:
    portal.set(SSL_CERT_FILE=str(CERTIFICATE))

    assert terminal("sync").code == 0
