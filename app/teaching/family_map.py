"""The map of the families, as SVG: an arrow leads from each to those that mend a fault of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_COLUMN, _ROW, _WIDTH, _HEIGHT, _LEFT, _TOP = 202, 56, 132, 42, 4, 28
_HEAD = '<path class="head" d="M{x} {y}l-8 -4.5v9z"/>'


@dataclass(frozen=True, slots=True)
class Stop:
    """A family on the map."""

    name: str
    title: str
    year: int
    href: str


def draw_map(stops: Sequence[Stop], mended: Mapping[str, Sequence[str]], *, title: str) -> Markup:
    """Return the map. mended: for each family those that mend a fault of it; names that are no stops are left out."""
    names = [stop.name for stop in stops]
    roads = _roads(names, mended)
    depths = _depths(names, roads)
    rows = _rows(names, roads, depths)
    places = {name: (_LEFT + _COLUMN * depths[name], _TOP + _ROW * rows[name]) for name in names}
    width = max(x for x, _ in places.values()) + _WIDTH + _LEFT
    height = max(y for _, y in places.values()) + _HEIGHT + _LEFT
    parts = [_road(places[start], places[end], depths[end] - depths[start]) for start, end in roads]
    parts += [_draw_stop(stop, *places[stop.name]) for stop in stops]
    body = "\n".join(parts)
    return Markup(
        f'<svg class="map" viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" role="group" '
        f'aria-label="{escape(title)}">\n{body}\n</svg>'
    )


def count_columns(names: Sequence[str], mended: Mapping[str, Sequence[str]]) -> Mapping[str, int]:
    """Return in which column of the map each family stands, from 0: one behind the last of those that it mends."""
    return _depths(names, _roads(names, mended))


Road = tuple[str, str]


def _roads(names: Sequence[str], mended: Mapping[str, Sequence[str]]) -> list[Road]:
    return [(start, end) for start, ends in mended.items() for end in ends if {start, end} <= set(names)]


def _depths(names: Sequence[str], roads: Sequence[Road]) -> dict[str, int]:
    """Return the column of each: one behind the last of those that it mends."""
    depths = dict.fromkeys(names, 0)
    for _ in names:  # no road is longer
        for start, end in roads:
            depths[end] = max(depths[end], depths[start] + 1)
    return depths


def _rows(names: Sequence[str], roads: Sequence[Road], depths: Mapping[str, int]) -> dict[str, float]:
    """Return the row of each, from 0: the widest column has one each, the others stand where their neighbours do."""
    rank = {end: place for place, (_, end) in enumerate(roads)}
    columns = [
        sorted((name for name in names if depths[name] == depth), key=lambda name: rank.get(name, -1))
        for depth in range(max(depths.values()) + 1)
    ]
    widest = max(range(len(columns)), key=lambda depth: len(columns[depth]))
    rows = {name: float(row) for row, name in enumerate(columns[widest])}
    for depth in [*range(widest - 1, -1, -1), *range(widest + 1, len(columns))]:
        before = -1.0
        for name in columns[depth]:
            known = [rows[other] for road in roads if name in road for other in road if other in rows]
            before = max(before + 1, sum(known) / len(known) if known else before + 1)
            rows[name] = before
    return rows


def _road(start: tuple[float, float], end: tuple[float, float], columns: int) -> str:
    """Draw an arrow; one that passes a column does so between two rows."""
    x1, y1, x2, y2 = start[0] + _WIDTH, start[1] + _HEIGHT / 2, end[0], end[1] + _HEIGHT / 2
    path, gap = f"M{x1} {y1:.1f}", _COLUMN - _WIDTH
    if columns > 1:
        between = y1 - _ROW / 2
        far = x2 - gap
        path += f"C{x1 + gap / 2} {y1:.1f} {x1 + gap / 2} {between:.1f} {x1 + gap} {between:.1f}H{far}"
        x1, y1 = far, between
    middle = (x1 + x2) / 2
    path += f"C{middle} {y1:.1f} {middle} {y2:.1f} {x2 - 7} {y2:.1f}"
    return f'<path class="edge" d="{path}"/>' + _HEAD.format(x=x2, y=f"{y2:.1f}")


def _draw_stop(stop: Stop, x: float, y: float) -> str:
    middle = x + _WIDTH / 2
    return (
        f'<a href="{escape(stop.href)}"><rect class="stop" x="{x}" y="{y:.1f}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'rx="4"/><text class="name" x="{middle}" y="{y + 18:.1f}" text-anchor="middle">{escape(stop.title)}</text>'
        f'<text class="small" x="{middle}" y="{y + 33:.1f}" text-anchor="middle">{stop.year}</text></a>'
    )
