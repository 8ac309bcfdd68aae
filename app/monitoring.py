"""What Prometheus reads at /metrics. Jobs are counted in the database, so that every web process tells the same."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from store.errors import DatabaseUnavailableError
from store.jobs import JobStore

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counters of one web process."""

    def __init__(self, jobs: JobStore, version: str) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Jobs(jobs))
        Info("ganery_build", "The version that runs", registry=self._registry).info({"version": version})
        self.requests = Histogram(
            "ganery_http_request_duration_seconds",
            "Time until an answer begins",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.drawing = Histogram(
            "ganery_drawing_duration_seconds",
            "Time to draw or look at what was asked for, with the wait for a turn",
            ("route", "family"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.pictures = Counter(
            "ganery_pictures_generated",
            "Pictures drawn for grids",
            ("family", "nice"),
            registry=self._registry,
        )
        self.candidates = Counter(
            "ganery_candidates_drawn", "Pictures drawn to choose from", ("family",), registry=self._registry
        )
        self.answers = Counter(
            "ganery_drawings_answered",
            "Answers by where they came from: network, memory, or the client's own copy",
            ("route", "source"),
            registry=self._registry,
        )

    @contextmanager
    def drawn(self, route: str, family: str) -> Iterator[None]:
        """Count an answer that is drawn, and how long that takes, unless it fails. route: the template of the path."""
        began = time.perf_counter()
        yield
        self.drawing.labels(route, family).observe(time.perf_counter() - began)
        self.answers.labels(route, "network").inc()

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _Jobs(Collector):
    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metrics without counting: the registry asks before there is a database."""
        yield GaugeMetricFamily("ganery_jobs", "")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Count the jobs; while the database is away there is nothing to tell."""
        try:
            counts = self._jobs.counts()
        except DatabaseUnavailableError:
            return
        family = GaugeMetricFamily("ganery_jobs", "Jobs in each state", labels=("state",))
        for state, count in counts.items():
            family.add_metric((state,), count)
        yield family
