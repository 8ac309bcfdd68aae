"""The picture of a game, as SVG: what it begins with, the networks, the losses, and who learns from them.

Drawn from a flow that was traced (`models.trace_flow`) and nothing else, so every family has one. Colours and fonts
are the page's (css/learn.css): a part's class says whether it makes pictures, judges them, or is neither. A game whose
networks are trained by turns in several rounds, one after another, has a lane for each round.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unicodedata import east_asian_width

from markupsafe import Markup, escape

from app.teaching.words import Words
from models import LABEL, NOISE, REAL, Family, Flow, Move, ScoreKind

_SOURCE, _NETWORK, _MOVE = (104, 40), (136, 52), (196, 0)
"""Width and height of boxes; a move is as high as its text."""
_LEFT, _COLUMN, _ROW, _LINE = 8, 214, 74, 17
_RAIL, _GUTTER = 16, 30
_WRAP = 26


@dataclass(frozen=True, slots=True)
class _Box:
    """A part of the picture. x, y: its middle."""

    name: str
    x: float
    y: float
    width: float
    height: float
    kind: str

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is who. makers: networks that draw. score: what those that judge say."""

    makers: Sequence[str]
    score: ScoreKind | None

    @classmethod
    def of(cls, family: Family[Any]) -> "Cast":
        """Return that of a family."""
        return cls(family.generators, family.score_kind)

    def kind(self, name: str) -> str:
        """Return the class of a network or of what comes from it."""
        if name in {NOISE, LABEL, REAL}:
            return name
        if name in self.makers:
            return "maker"
        return "helper" if self.score is None else "judge"


def draw_game(flow: Flow, cast: Cast, words: Words) -> Markup:
    """Return the picture of a training step."""
    lanes, top = [], 0.0
    for moves in _rounds(flow.moves, cast):
        lane = _Lane(flow, moves, cast, words, top)
        lanes.append(lane)
        top = lane.bottom + _ROW / 3
    width = max(lane.right for lane in lanes)
    parts = [part for lane in lanes for part in lane.draw()]
    return _svg(parts, width, lanes[-1].bottom, title=words.game, description=describe_game(flow, words))


def describe_game(flow: Flow, words: Words) -> str:
    """Return the same in words, for who does not see it."""
    comma, sentences = words.comma, []
    for player in flow.players:
        feeds = (" + ".join(words.term(one) for one in _ordered(feed)) for feed in player.feeds)
        sentences.append(words.is_fed.format(name=words.term(player.name), feeds=comma.join(feeds)))
    for move in flow.moves:
        updated = words.updates.format(names=comma.join(map(words.term, move.trains)))
        sentences.append(
            words.learns.format(
                name=words.term(move.name), terms=comma.join((*map(words.loss_term, move.terms), updated))
            )
        )
    return "; ".join(sentences)


def draw_drawing(flow: Flow, cast: Cast, controls: Sequence[str], words: Words) -> Markup:
    """Return the picture of how a picture is drawn: from noise, through those that draw, one after another."""
    order = _in_turn(flow.drawing)
    feeds = {name: frozenset().union(*flow.drawing[name]) for name in order}
    sources = [one for one in (NOISE, LABEL) if any(one in feed for feed in feeds.values())]
    begins = [words.term(one) for one in sources] + list(controls)
    boxes = [_Box(name, 0, 0, 0, 0, name) for name in sources] + [
        _Box(name, 0, 0, 0, 0, "control") for name in controls
    ]
    height = max(len(begins), 1) * (_SOURCE[1] + 12) + 8
    middle = height / 2
    parts: list[str] = []
    ends: list[_Box] = []
    for place, (box, text) in enumerate(zip(boxes, begins, strict=True)):
        y = (place + 0.5) * height / len(begins)
        placed = _Box(box.name, _LEFT + _SOURCE[0] / 2, y, *_SOURCE, box.kind)
        parts += _draw_box(placed, [text])
        ends.append(placed)
    x = _LEFT + _SOURCE[0] + 56
    for name in order:
        placed = _Box(name, x + _NETWORK[0] / 2, middle, *_NETWORK, cast.kind(name))
        parts += [
            _arrow(end.right, end.y, placed.left, _port(placed, port, len(ends)), end.kind)
            for port, end in enumerate(ends)
        ]
        parts += _draw_box(placed, [words.term(name)])
        ends, x = [placed], x + _NETWORK[0] + 48
    last = _Box("picture", x + 44, middle, 88, _SOURCE[1], "fake")
    parts += [_arrow(ends[0].right, middle, last.left, middle, "maker"), *_draw_box(last, [words.picture])]
    return _svg(
        parts,
        last.right + _LEFT,
        height,
        title=words.drawing,
        description=" → ".join([*begins, *map(words.term, order)]),
    )


def _rounds(moves: Sequence[Move], cast: Cast) -> Iterator[list[Move]]:
    """Yield the moves in groups, each of which ends with one that trains a maker."""
    group: list[Move] = []
    for move in moves:
        group.append(move)
        if any(name in cast.makers for name in move.trains):
            yield group
            group = []
    if group:
        yield group


def _in_turn(feeds: Mapping[str, Sequence[frozenset[str]]]) -> list[str]:
    """Return the networks that draw, each behind those that it is fed by."""
    needs = {name: frozenset().union(*given) & feeds.keys() for name, given in feeds.items()}
    order: list[str] = []
    while len(order) < len(needs):
        order += [name for name, fed in needs.items() if name not in order and fed <= set(order)]
    return order


def _ordered(names: Iterable[str]) -> list[str]:
    """Return names in the order in which they stand at the left: noise, label, what networks say, real pictures."""
    place = {NOISE: 0, LABEL: 1, REAL: 3}
    return sorted(names, key=lambda name: (place.get(name, 2), name))


# --- A round ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Lane:
    """One round: sources at the left, networks by how far they are from them, moves at the right."""

    flow: Flow
    moves: Sequence[Move]
    cast: Cast
    words: Words
    top: float
    boxes: dict[str, _Box] = field(init=False, default_factory=dict)
    move_boxes: list[_Box] = field(init=False, default_factory=list)
    texts: list[list[str]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.texts = [self._tell(move) for move in self.moves]
        self._place_sources()
        self._place_networks()
        self._place_moves()

    @property
    def players(self) -> list[str]:
        trained = {name for move in self.moves for name in move.trains}
        return [one.name for one in self.flow.players if one.name in trained]

    def feeds(self, name: str) -> Sequence[frozenset[str]]:
        return next(one.feeds for one in self.flow.players if one.name == name)

    @property
    def right(self) -> float:
        return max(box.right for box in self.move_boxes) + _GUTTER + _LEFT

    @property
    def bottom(self) -> float:
        lowest = max(box.bottom for box in (*self.boxes.values(), *self.move_boxes))
        return lowest + _RAIL * (len(self.moves) + 1 + self._has_low_rail())

    def _has_low_rail(self) -> bool:
        return any(REAL in move.reads for move in self.moves)

    def _rows(self) -> float:
        heights = sum(map(self._height, self.texts)) + 14 * (len(self.texts) - 1)
        return max(heights, _ROW * len(self._sources()))

    def _sources(self) -> list[str]:
        fed = frozenset().union(*(feed for name in self.players for feed in self.feeds(name)))
        read = frozenset().union(*(move.reads for move in self.moves))
        return [name for name in (NOISE, LABEL, REAL) if name in fed | read]

    def _place_sources(self) -> None:
        names = self._sources()
        for place, name in enumerate(names):
            y = self._start + (place + 0.5) * self._rows() / len(names)
            self.boxes[name] = _Box(name, _LEFT + _SOURCE[0] / 2, y, *_SOURCE, name)

    @property
    def _start(self) -> float:
        return self.top + (2 * _RAIL if self._has_high_rail() else _RAIL / 2)

    def _has_high_rail(self) -> bool:
        """Whether a loss looks at something whose way leads around the networks."""
        reads = frozenset().union(*(move.reads for move in self.moves)) - {REAL}
        return bool(reads & {NOISE, LABEL}) or bool(reads & set(self._columns()[0]))

    def _place_networks(self) -> None:
        for depth, names in enumerate(self._columns(), 1):
            wanted = {name: self._wanted_height(name) for name in names}
            placed = sorted(names, key=lambda name: wanted[name])
            for place, name in enumerate(placed):
                spread = (place - (len(placed) - 1) / 2) * (_NETWORK[1] + 20) if len(placed) > 1 else 0
                x = _LEFT + _SOURCE[0] + 66 + (depth - 1) * _COLUMN + _NETWORK[0] / 2
                self.boxes[name] = _Box(name, x, wanted[name] + spread, *_NETWORK, self.cast.kind(name))

    def _columns(self) -> list[list[str]]:
        columns: list[list[str]] = []
        left, known = self.players, set(self._sources())
        while left:
            ready = [name for name in left if frozenset().union(*self.feeds(name)) & set(self.players) <= known] or left
            columns.append(ready)
            known |= set(ready)
            left = [name for name in left if name not in ready]
        return columns

    def _wanted_height(self, name: str) -> float:
        heights = [
            self.boxes[one].y for feed in self.feeds(name) for one in feed if one != LABEL and one in self.boxes
        ] or [self._start + self._rows() / 2]
        return (min(heights) + max(heights)) / 2

    def _place_moves(self) -> None:
        x = max(self.boxes[name].right for name in self.players) + 78 + _MOVE[0] / 2
        heights = [self._height(text) for text in self.texts]
        y = self._start + (self._rows() - sum(heights) - 14 * (len(heights) - 1)) / 2
        for move, height in zip(self.moves, heights, strict=True):
            kind = "maker" if any(name in self.cast.makers for name in move.trains) else "judge"
            self.move_boxes.append(_Box(move.name, x, y + height / 2, _MOVE[0], height, kind))
            y += height + 14

    @staticmethod
    def _height(text: Sequence[str]) -> float:
        return _LINE * len(text) + 14

    def _tell(self, move: Move) -> list[str]:
        title = self.words.loss_of.format(name=self.words.term(move.name)) + (
            f" ×{move.repeats}" if move.repeats > 1 else ""
        )
        terms = _fill([self.words.loss_term(term) for term in move.terms], self.words.comma)
        then = [self.words.then.format(name=self.words.afterward(move.then))] if move.then else []
        return [title, *terms, *then]

    def draw(self) -> Iterator[str]:
        yield from self._draw_feeds()
        yield from self._draw_readings()
        yield from self._draw_learning()
        for name, box in self.boxes.items():
            yield from _draw_box(box, self._label(name))
        for box, text in zip(self.move_boxes, self.texts, strict=True):
            yield from _draw_box(box, text, is_move=True)

    def _label(self, name: str) -> list[str]:
        label = [self.words.term(name)]
        for player in self.flow.players:
            if player.name == name:
                label.append(self.words.weights.format(count=self.words.shorten(player.weights)))
        return label

    def _draw_feeds(self) -> Iterator[str]:
        for name in self.players:
            box = self.boxes[name]
            ways = [feed - {LABEL} for feed in self.feeds(name)]
            entries = [feed for feed in dict.fromkeys(ways) if feed]
            if any(LABEL in feed for feed in self.feeds(name)):
                entries.append(frozenset({LABEL}))
            entries.sort(key=lambda feed: sum(self._height_of(one) for one in feed) / len(feed))
            for place, feed in enumerate(entries):
                yield from self._draw_feed(feed, box, _port(box, place, len(entries)))

    def _height_of(self, name: str) -> float:
        return self.boxes[name].y if name in self.boxes else self.top

    def _draw_feed(self, feed: frozenset[str], box: _Box, y: float) -> Iterator[str]:
        origins = [self.boxes[name] for name in _ordered(feed) if name in self.boxes]
        if len(origins) == 1:
            yield _arrow(origins[0].right, origins[0].y, box.left, y, origins[0].kind)
            return
        x = box.left - 26
        for origin in origins:
            yield _curve(origin.right, origin.y, x - 7, y, origin.kind)
        yield _arrow(x + 7, y, box.left, y, "mixed")
        yield (
            f'<g class="mix"><title>{escape(self.words.mixed)}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="7"/>'
            f'<path d="M{x - 4:.1f} {y:.1f}h8m-4 -4v8"/></g>'
        )

    def _draw_readings(self) -> Iterator[str]:
        for number, (move, box) in enumerate(zip(self.moves, self.move_boxes, strict=True)):
            reads = [name for name in _ordered(move.reads) if name in self.boxes]
            for place, name in enumerate(reads):
                yield from self._draw_reading(self.boxes[name], box, _port(box, place, len(reads)), number)

    def _draw_reading(self, origin: _Box, box: _Box, y: float, number: int) -> Iterator[str]:
        """Draw what a loss looks at: straight from the network beside it, else by a way around the others."""
        if origin.right > box.left - _COLUMN + _NETWORK[0] / 2:
            yield _arrow(origin.right, origin.y, box.left, y, origin.kind)
            if number == 0 and origin.kind == "judge" and self.cast.score is not None:
                word = self.words.scores[self.cast.score]
                yield f'<text class="small" x="{origin.right + 8:.1f}" y="{origin.y - 8:.1f}">{escape(word)}</text>'
            return
        is_low = origin.name == REAL
        rail = max(one.bottom for one in self.boxes.values()) + _RAIL if is_low else self.top + _RAIL / 2
        out, x = origin.right + 12, box.left - 20 - 9 * number
        yield (
            f'<path class="edge {origin.kind} aside" d="M{origin.right:.1f} {origin.y:.1f}H{out:.1f}V{rail:.1f}'
            f'H{x:.1f}V{y:.1f}H{box.left - 7:.1f}"/>' + _head(box.left, y, origin.kind)
        )

    def _draw_learning(self) -> Iterator[str]:
        """Draw the way of the gradient back from each loss to the networks that it changes."""
        lowest = max(box.bottom for box in (*self.boxes.values(), *self.move_boxes))
        for number, (move, box) in enumerate(zip(self.moves, self.move_boxes, strict=True)):
            rail = lowest + _RAIL * (number + 1 + self._has_low_rail())
            x = box.right + 10 + 10 * number
            ends = [self.boxes[name] for name in move.trains]
            last = min(end.x for end in ends)
            yield (
                f'<path class="gradient {box.kind}" d="M{box.right:.1f} {box.y:.1f}H{x:.1f}V{rail:.1f}H{last:.1f}"/>'
            )
            for end in ends:
                yield f'<path class="gradient {box.kind}" d="M{end.x:.1f} {rail:.1f}V{end.bottom + 7:.1f}"/>'
                yield (f'<path class="head {box.kind}" d="M{end.x:.1f} {end.bottom:.1f}l-4.5 8h9z"/>')


# --- Pieces -------------------------------------------------------------------------------------------------------


def _fill(names: Iterable[str], comma: str) -> list[str]:
    """Return lines of a move's box with as many of the names as have room, each whole."""
    lines: list[str] = []
    for name in names:
        longer = f"{lines[-1]}{comma}{name}" if lines else name
        if lines and _columns(longer) <= _WRAP:
            lines[-1] = longer
        else:
            lines.append(name)
    return [f"{line}{comma.rstrip()}" for line in lines[:-1]] + lines[-1:]


def _columns(text: str) -> int:
    """Return how wide text is: a Chinese character takes the room of two letters."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _port(box: _Box, place: int, count: int) -> float:
    """Return where the arrow of this place enters a box, from the top."""
    return box.top + box.height * (place + 1) / (count + 1)


def _draw_box(box: _Box, lines: Sequence[str], *, is_move: bool = False) -> Iterator[str]:
    shape = "move" if is_move else "box"
    yield (
        f'<rect class="{shape} {box.kind}" x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{4 if is_move or box.width == _NETWORK[0] else 18}"/>'
    )
    first = box.y - (len(lines) - 1) * _LINE / 2 + 4.5
    for place, line in enumerate(lines):
        small = ' class="small"' if place else f' class="name {box.kind}-name"'
        yield f'<text{small} x="{box.x:.1f}" y="{first + place * _LINE:.1f}" text-anchor="middle">{escape(line)}</text>'


def _curve(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    bend = max(24.0, (x2 - x1) / 2)
    middle = f"{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f}"
    return f'<path class="edge {kind}" d="M{x1:.1f} {y1:.1f}C{middle} {x2:.1f} {y2:.1f}"/>'


def _arrow(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return _curve(x1, y1, x2 - 7, y2, kind) + _head(x2, y2, kind)


def _head(x: float, y: float, kind: str) -> str:
    return f'<path class="head {kind}" d="M{x:.1f} {y:.1f}l-8 -4.5v9z"/>'


def _svg(parts: Sequence[str], width: float, height: float, *, title: str, description: str) -> Markup:
    body = "\n".join(parts)
    return Markup(
        f'<svg class="game" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-label="{escape(title)}: {escape(description)}">\n{body}\n</svg>'
    )
