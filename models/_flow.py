"""What flows where in a family's game: traced while its own losses and its own drawing run once.

So a picture of the game needs no declaration beside the code, and cannot say anything else than the code does. Every
tensor is known by its sources: noise, labels and real pictures to begin with, and a network's outputs by that network.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models._datasets import MNIST
from models._family import Batch, Family, ModelConfig, Networks
from models._noise import Noise

NOISE, LABEL, REAL = "noise", "label", "real"
"""What a game begins with; no network is called so."""

Sources = frozenset[str]
_COUNT = 4


@dataclass(frozen=True, slots=True)
class Player:
    """A network. weights: how many it has. feeds: what it is called with, each the sources of one call's inputs."""

    name: str
    weights: int
    feeds: tuple[Sources, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A phase. terms: of its loss, by name. reads: the sources that the loss itself looks at. then: what follows."""

    name: str
    trains: tuple[str, ...]
    repeats: int
    terms: tuple[str, ...]
    reads: Sources
    then: str | None


@dataclass(frozen=True, slots=True)
class Flow:
    """A game as it was played. memories: networks without weights. drawing: the feeds of those that draw a picture."""

    players: tuple[Player, ...]
    memories: tuple[str, ...]
    moves: tuple[Move, ...]
    drawing: Mapping[str, tuple[Sources, ...]]
    drawn_by: Sources


class UntraceableError(RuntimeError):
    """A game whose losses look at numbers, or do what PyTorch knows no shape of."""

    def __init__(self, family: str) -> None:
        self.family = family
        super().__init__(f"the game of {family} cannot be followed on shapes alone")


def trace_flow(family: Family[Any]) -> Flow:
    """Play one step of the family's default preset on MNIST's shape, and draw: on shapes alone, without any number.

    So it takes milliseconds and no memory, whatever the size of the networks. A loss that looks at a number, as with
    `item`, cannot be followed: UntraceableError.
    """
    config = family.configure(family.preset(family.default_preset).hyperparameters.model_dump(), MNIST)
    try:
        with torch.device("meta"):
            return _trace(family, config)
    except (RuntimeError, NotImplementedError) as error:
        raise UntraceableError(family.name) from error


def _trace(family: Family[Any], config: ModelConfig[Any]) -> Flow:
    networks = family.build(config)
    trace = _Trace(networks)
    moves = tuple(_play(family, config, networks, trace))
    training = trace.feeds
    trace = _Trace(networks)
    drawn_by = _draw(family, config, networks, trace)
    weights = {name: sum(one.numel() for one in network.parameters()) for name, network in networks.items()}
    return Flow(
        players=tuple(Player(name, weights[name], training[name]) for name in networks if weights[name]),
        memories=tuple(name for name in networks if not weights[name]),
        moves=moves,
        drawing=MappingProxyType({name: feeds for name, feeds in trace.feeds.items() if feeds}),
        drawn_by=drawn_by,
    )


def _play(family: Family[Any], config: ModelConfig[Any], networks: Networks, trace: "_Trace") -> Iterator[Move]:
    noise = _TracedNoise(trace)
    for phase in family.phases(config):
        with trace.watching():
            objective = phase.loss(networks, _batch(config, trace), config, noise)
            reads = frozenset().union(*(trace.sources(term) for term in objective.terms.values()))
            if phase.after_step is not None:
                phase.after_step(networks, config, objective)
        then = None if phase.after_step is None else getattr(phase.after_step, "__name__", None)
        yield Move(phase.name, phase.trains, phase.repeats, tuple(objective.terms), reads, then)


@torch.no_grad()
def _draw(family: Family[Any], config: ModelConfig[Any], networks: Networks, trace: "_Trace") -> Sources:
    networks.eval()
    with trace.watching():
        batch = _batch(config, trace)
        return trace.sources(family.sample(networks, config, _TracedNoise(trace), batch.labels))


def _batch(config: ModelConfig[Any], trace: "_Trace") -> Batch:
    spec = config.dataset
    images = torch.empty(_COUNT, spec.channels, spec.size, spec.size)
    labels = torch.empty(_COUNT, dtype=torch.int64)
    return Batch(trace.mark(images, REAL), trace.mark(labels, LABEL))


class _TracedNoise(Noise):
    """Noise of which nothing is known but that it is noise."""

    def __init__(self, trace: "_Trace") -> None:
        self.count = _COUNT
        self._trace = trace

    def normal(self, *shape: int) -> Tensor:
        return self._trace.mark(torch.empty(self.count, *shape), NOISE)

    def uniform(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        return self.normal(*shape)


class _Trace(TorchFunctionMode):
    """Follows tensors through every function of torch, and notes what networks are called with."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self._networks = networks
        self._known: dict[int, tuple[Tensor, Sources]] = {}  # the tensor is kept, so that no other gets its id
        self._feeds: dict[str, dict[Sources, None]] = {name: {} for name in networks}
        self._depth = dict.fromkeys(networks, 0)

    @property
    def feeds(self) -> Mapping[str, tuple[Sources, ...]]:
        """What each network was called with, without repetitions."""
        return {name: tuple(feeds) for name, feeds in self._feeds.items()}

    def mark(self, tensor: Tensor, *sources: str) -> Tensor:
        """Add sources to what is known of a tensor; return it."""
        self._known[id(tensor)] = tensor, self.sources(tensor) | frozenset(sources)
        return tensor

    def sources(self, value: object) -> Sources:
        """Return the sources of a tensor, or of all tensors in lists, tuples and values."""
        if isinstance(value, Tensor):
            return self._known[id(value)][1] if id(value) in self._known else frozenset()
        return frozenset().union(*map(self.sources, _parts(value)))

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        read = args[:1] if func is torch.autograd.grad else (args, kwargs)  # a slope tells of what was differentiated
        self._mark_all(result, self.sources(read))
        return result

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Follow what happens inside."""
        hooks = [hook for name, network in self._networks.items() for hook in self._hook(name, network)]
        for name, network in self._networks.items():
            if next(network.parameters(), None) is None:
                self._mark_all(list(network.buffers()), frozenset({name}))
        try:
            with self:
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def _hook(self, name: str, network: nn.Module) -> Iterator[Any]:
        """Watch a network and its parts: a loss may call an encoder alone."""

        def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
            fed = self.sources((args, kwargs)) - {name}
            if self._depth[name] == 0 and fed:
                self._feeds[name][fed] = None
            self._depth[name] += 1

        def leave(module: nn.Module, args: Any, output: Any) -> None:
            self._depth[name] -= 1
            self._replace_all(output, frozenset({name}))

        for part in network.modules():
            yield part.register_forward_pre_hook(enter, with_kwargs=True)
            yield part.register_forward_hook(leave)

    def _mark_all(self, value: object, sources: Sources) -> None:
        if isinstance(value, Tensor):
            self.mark(value, *sources)
        for part in _parts(value):
            self._mark_all(part, sources)

    def _replace_all(self, value: object, sources: Sources) -> None:
        if isinstance(value, Tensor):
            self._known[id(value)] = value, sources
        for part in _parts(value):
            self._replace_all(part, sources)


def _parts(value: object) -> tuple[object, ...]:
    if isinstance(value, Mapping):
        return tuple(value.values())
    return tuple(value) if isinstance(value, list | tuple) else ()
