"""`b24-pipeline metrics`: the audit's figures for Prometheus, printed once or served."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from b24_pipeline import settings
from b24_pipeline.audit import Store, StoreError
from b24_pipeline.audit.metrics import METRICS, Sample, samples
from b24_pipeline.cli.audit import paths_of
from b24_pipeline.cli.exit_codes import Exit
from b24_pipeline.cli.options import Place
from b24_pipeline.cli.serve import stop_signal
from b24_pipeline.connection import utc_now
from b24_pipeline.file_stamp import stamp
from b24_pipeline.settings import SettingsError

PREFIX = "b24_pipeline_"
ONLY = "default"
"""The value of the label `connection` where there is one connection."""


class AuditCollector(Collector):
    """The figures of all connections, as of each scrape: a database that has not changed is asked once an hour."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.problems: list[str] = []
        self._known: dict[Path, tuple[object, Sequence[Sample]]] = {}

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read every connection; one that cannot be read is 0 in `audit_readable` and has no other figure."""
        self.problems = []
        folder = settings.connections() if self._place == Place() else None
        found = {key or ONLY: self._read(key) for key in (folder.keys if folder else (self._place.connection,))}
        readable = GaugeMetricFamily(f"{PREFIX}audit_readable", "1 if the audit could be read.", labels=["connection"])
        for connection, values in found.items():
            readable.add_metric([connection], bool(values))
        families = [readable]
        for name, metric in METRICS.items():
            labels = ["connection", *([metric.label] if metric.label else [])]
            family = GaugeMetricFamily(f"{PREFIX}{name}", metric.meaning, labels=labels)
            for connection, values in found.items():
                for sample in (sample for sample in values if sample.metric == name):
                    family.add_metric([connection, *([sample.label] if sample.label else [])], sample.value)
            families.append(family)
        return families

    def _read(self, key: str | None) -> Sequence[Sample]:
        now = utc_now()
        try:
            paths = paths_of(replace(self._place, connection=key))
            state = (stamp(paths.published), now.replace(minute=0, second=0, microsecond=0))
            before, values = self._known.get(paths.published, (None, ()))
            if state[0] is None or before != state:
                with Store.reader(paths, now=lambda: now) as database:
                    values = tuple(samples(database, now=now))
                self._known[paths.published] = (state, values)
        except (StoreError, SettingsError) as error:
            self.problems += str(error).splitlines()
            return ()
        return values


def metrics(*, listen: tuple[str, int] | None, place: Place) -> Exit:
    """Print the figures, or serve them until stopped.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    collector, registry = AuditCollector(place), CollectorRegistry(auto_describe=False)
    registry.register(collector)
    if listen is None:
        sys.stdout.write(generate_latest(registry).decode())
        for problem in collector.problems:
            print(f"b24-pipeline: {problem}", file=sys.stderr)
        return Exit.FAILED if collector.problems else Exit.DONE
    host, port = listen
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise SettingsError(f"--listen: port {port} of {host} cannot be used ({error.strerror})") from None
    print(f"Metrics: http://{host}:{server.server_port}/metrics", flush=True)
    stop_signal().wait()
    server.shutdown()
    return Exit.DONE
