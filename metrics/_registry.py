"""The metrics by name, found by looking into this folder: in each module whose name has no underscore in front."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from metrics._metric import Cost, Metric

GROUPS: Mapping[str, tuple[Cost, ...]] = MappingProxyType(
    {"cheap": ("cheap",), "full": ("cheap", "full"), "all": ("cheap", "full", "slow")}
)
"""Names that stand for all metrics of these costs."""

DEFAULT_METRICS = ("full",)


class UnknownMetricError(KeyError):
    """A metric that there is not."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(name)

    def __str__(self) -> str:
        return f"there is no metric {self.name!r}; there are {', '.join(self.known)}, and {', '.join(GROUPS)} for many"


@cache
def metrics() -> Mapping[str, Metric]:
    """Return every metric by its name: by module in alphabetical order, and as they stand there."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = [importlib.import_module(f"{__package__}.{name}") for name in names if name[0] != "_"]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Metric)]
    return MappingProxyType({one.name: one for one in found})


def find_metric(name: str) -> Metric:
    """Return the metric of that name. Raises UnknownMetricError, which names those that there are."""
    try:
        return metrics()[name]
    except KeyError:
        raise UnknownMetricError(name, tuple(metrics())) from None


def choose(names: Sequence[str] = DEFAULT_METRICS) -> tuple[Metric, ...]:
    """Return the metrics of these names or groups, each once, in the registry's order. Raises UnknownMetricError."""
    single = {find_metric(name) for name in names if name not in GROUPS}
    costs = {cost for name in names for cost in GROUPS.get(name, ())}
    return tuple(one for one in metrics().values() if one in single or one.cost in costs)
