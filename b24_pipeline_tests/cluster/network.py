"""A network of its own for a program, in which the packets to one port can be dropped."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

PROGRAMS = ("ip", "socat")


@dataclass(frozen=True)
class Network:
    """A namespace of the kernel's; from inside, `gateway` is this machine."""

    name: str
    gateway: str

    @property
    def prefix(self) -> list[str]:
        """What stands before a command that is to run inside."""
        return ["ip", "netns", "exec", self.name]

    def drop(self, port: int) -> None:
        """Send no packet to this port of the gateway any more, and tell nobody."""
        run(*self.prefix, "ip", "rule", "add", "to", self.gateway, "ipproto", "tcp", "dport", str(port), "blackhole")


def run(*command: str) -> None:
    """Run a command that must end well."""
    subprocess.run(command, check=True, capture_output=True)


def why_not() -> str | None:
    """Return why there can be no network of our own here; nothing if there can."""
    if lacking := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{', '.join(lacking)}: not installed (make setup-cluster)"
    try:
        with separate_network(()):
            return None
    except subprocess.CalledProcessError as refused:
        return f"no network namespace: {refused.stderr.decode().strip()}"


@contextmanager
def separate_network(shared: Sequence[int], *, direct: Sequence[int] = ()) -> Iterator[Network]:
    """A network from which ports of this machine's loopback can be reached.

    Args:
        shared: ports that are on the loopback inside, too.
        direct: ports that are on the gateway, and can be dropped.
    """
    number = os.getpid()
    network = Network(f"b24-{number}", f"10.213.{number % 250}.1")
    outside, inside = f"b24h{number}", f"b24n{number}"
    with ExitStack() as stack:
        run("ip", "netns", "add", network.name)
        stack.callback(run, "ip", "netns", "delete", network.name)
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", network.name)
        stack.callback(run, "ip", "link", "delete", outside)  # it would outlive its namespace for a moment
        run("ip", "address", "add", f"{network.gateway}/24", "dev", outside)
        run("ip", "link", "set", outside, "up")
        run(*network.prefix, "ip", "link", "set", "lo", "up")
        run(*network.prefix, "ip", "address", "add", f"10.213.{number % 250}.2/24", "dev", inside)
        run(*network.prefix, "ip", "link", "set", inside, "up")
        for port in (*shared, *direct):
            stack.enter_context(relay(port, listening=network.gateway, to="127.0.0.1"))
        for port in shared:
            stack.enter_context(relay(port, listening="127.0.0.1", to=network.gateway, prefix=network.prefix))
        yield network


@contextmanager
def relay(port: int, *, listening: str, to: str, prefix: Sequence[str] = ()) -> Iterator[None]:
    """Pass on what arrives at a port of one address to the same port of another."""
    command = [*prefix, "socat", f"TCP-LISTEN:{port},bind={listening},reuseaddr,fork", f"TCP:{to}:{port}"]
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=silent, stderr=silent, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # with what it has forked: the server sees that the connections end
        process.wait()
