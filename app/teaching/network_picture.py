"""A network drawn as blocks from left to right: what a picture's numbers become, layer by layer.

Maps are boxes, as high as a map's side and as thick as their number; vectors are bars. A layer that changes no shape
and learns nothing to speak of, such as an activation or a norm, is named below the block that it follows. Where a
network has branches, the next one begins behind the last block of the one before, and says what it goes out from.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log2, prod

from models import LayerOutline, NetworkOutline

COLUMN, FLOOR, HEIGHT = 132, 124, 208
"""Width of a block's place, where the boxes stand, and the height of the drawing, in pixels."""

_HIGHEST = 84
_MAP_DIMENSIONS = 3
_OF_LABELS = "Embedding"
_NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm")


@dataclass(frozen=True, slots=True)
class Block:
    """A box or bar in its place. x, y: of its front's upper left corner. depth: how far its side and top reach back.

    source: the shape that a branch goes out from, where the block begins one.
    """

    x: float
    y: float
    width: float
    height: float
    depth: float
    shape: str
    kind: str
    parameters: int
    followers: str
    is_first: bool
    source: str

    @property
    def front(self) -> str:
        """The corners of the front, as an SVG polygon has them."""
        return _points((self.x, self.y), (self.width, 0), (0, self.height), (-self.width, 0))

    @property
    def top(self) -> str:
        """The corners of the top."""
        return _points((self.x, self.y), (self.depth, -self.depth), (self.width, 0), (-self.depth, self.depth))

    @property
    def side(self) -> str:
        """The corners of the right side."""
        corner = self.x + self.width, self.y
        return _points(corner, (self.depth, -self.depth), (0, self.height), (-self.depth, self.depth))

    @property
    def middle(self) -> float:
        """Where its words stand."""
        return COLUMN * (self.x // COLUMN) + COLUMN / 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """A network as a drawing, and its layers for a table."""

    name: str
    draws: bool
    parameters: int
    width: int
    height: int
    blocks: Sequence[Block]
    layers: Sequence[LayerOutline]

    @property
    def summary(self) -> str:
        """What the drawing shows, in words."""
        steps = (f", and {one.source} to {one.shape}" if one.source else f" to {one.shape}" for one in self.blocks[1:])
        return f"{self.name}: {self.blocks[0].shape}{''.join(steps)}" if self.blocks else self.name


def draw_network(network: NetworkOutline) -> Drawing:
    """Draw a network; one without layers has no blocks."""
    blocks = list(_blocks(network.layers))
    size = COLUMN * len(blocks)
    return Drawing(network.name, network.draws, network.parameters, size, HEIGHT, blocks, network.layers)


@dataclass(slots=True)
class _Group:
    """A layer, and those that follow it without changing the shape. inputs: the shape of what comes into it."""

    kind: str
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    parameters: int
    followers: list[str]


def _blocks(layers: Sequence[LayerOutline]) -> Iterator[Block]:
    first = next((layer for layer in layers if layer.inputs and layer.kind != _OF_LABELS), None)
    if first is None:
        return
    groups = [_Group("input", (), first.inputs[0], 0, []), *_group(layers)]
    sides = [shape[-1] for shape in (group.shape for group in groups) if len(shape) == _MAP_DIMENSIONS]
    for place, group in enumerate(groups):
        yield _block(place, group, max(sides, default=1), _find_source(group, groups[:place]))


def _find_source(group: _Group, before: Sequence[_Group]) -> tuple[int, ...] | None:
    """Return what a branch goes out from: a shape before the last one; None where the group goes on from that."""
    size = prod(group.inputs)
    if not before or prod(before[-1].shape) == size:
        return None
    return next((one.shape for one in reversed(before) if prod(one.shape) == size), None)


def _group(layers: Sequence[LayerOutline]) -> Iterator[_Group]:
    """Yield a group for each layer that makes something of its own."""
    group = _Group("", (), (), 0, [])  # of labels that are told before anything else
    for layer in layers:
        if _only_follows(layer, group.shape):
            group.followers.append("label" if layer.kind == _OF_LABELS else layer.kind)
            group.parameters += layer.parameters
        else:
            if group.kind:
                yield group
                group = _Group("", (), (), 0, [])
            inputs = layer.inputs[0] if layer.inputs else ()
            parameters = group.parameters + layer.parameters
            group = _Group(layer.kind, inputs, _plain(layer.output), parameters, group.followers)
    yield group


def _only_follows(layer: LayerOutline, shape: tuple[int, ...]) -> bool:
    if layer.kind == _OF_LABELS:
        return True
    return _plain(layer.output) == shape and (layer.parameters == 0 or layer.kind.startswith(_NORMS))


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a list of one number as that of a number."""
    return () if shape == (1,) else shape


def _block(place: int, group: _Group, largest_side: int, source: tuple[int, ...] | None) -> Block:
    if len(group.shape) == _MAP_DIMENSIONS:
        channels, side = group.shape[0], group.shape[-1]
        height = 12 + (_HIGHEST - 12) * side / largest_side
        width, depth = 4 + 4 * log2(1 + channels), height * 0.22
    else:
        height, width, depth = 8 + 6 * log2(1 + prod(group.shape)), 6, 3
    left = place * COLUMN + (COLUMN - width - depth) / 2
    return Block(
        x=round(left, 1),
        y=round(FLOOR - height, 1),
        width=round(width, 1),
        height=round(height, 1),
        depth=round(depth, 1),
        shape=tell_shape(group.shape),
        kind=group.kind,
        parameters=group.parameters,
        followers=", ".join(dict.fromkeys(one for one in group.followers if one != "Identity")),
        is_first=place == 0,
        source="" if source is None else tell_shape(source),
    )


def tell_shape(shape: Sequence[int]) -> str:
    """Return a shape as it is written: one number for a vector's length, and 1 for a number."""
    return " × ".join(map(str, shape)) or "1"


def _points(start: tuple[float, float], *steps: tuple[float, float]) -> str:
    x, y = start
    corners = [f"{x:.1f},{y:.1f}"]
    for right, down in steps:
        x, y = x + right, y + down
        corners.append(f"{x:.1f},{y:.1f}")
    return " ".join(corners)
