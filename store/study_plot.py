"""The picture of a study, as SVG: a box for each family, a dot for each trial, a cross for each that failed.

Drawn by hand: text, lines and circles, the same bytes for the same trials. It follows the reader's light or dark
scheme, and needs no script.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from store.study_report import Distribution, Entry, Row, find_floor

MEDIA_TYPE = "image/svg+xml"

WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 960, 210, 110, 56, 48, 46
_PLOT = WIDTH - _LEFT - _RIGHT
_BOX = 18
_JITTER = 12
_CROSSES = 7
_WIDE = 20.0
"""Largest by smallest value above which the axis is logarithmic."""
_DECADES = 4
"""Powers of ten up to which marks stand between them."""

_STYLE = """
.paper{fill:#fff}text{fill:#1f2328;font:13px system-ui,sans-serif}.small{font-size:11px;fill:#59636e}
.title{font-size:15px;font-weight:600}.grid{stroke:#d1d9e0}.box{fill:#0969da;fill-opacity:.15;stroke:#0969da}
.line{stroke:#0969da}.median{stroke:#0969da;stroke-width:3}.dot{fill:#0969da;fill-opacity:.65}
.failed{stroke:#cf222e;stroke-width:2}.floor{stroke:#1a7f37;stroke-dasharray:4 3}
@media(prefers-color-scheme:dark){.paper{fill:#0d1117}text{fill:#f0f6fc}.small{fill:#9198a1}.grid{stroke:#3d444d}
.box{fill:#4493f8;stroke:#4493f8}.line,.median{stroke:#4493f8}.dot{fill:#4493f8}.failed{stroke:#f85149}.floor{stroke:#3fb950}}
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """Where values stand. low, high: the ends of the axis."""

    low: float
    high: float
    is_logarithmic: bool

    @classmethod
    def of(cls, values: Sequence[float]) -> "Axis":
        """Return an axis on which all of these have room; logarithmic where positive ones are far apart."""
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        if low > 0 and high / low > _WIDE:
            return cls(low / 1.1, high * 1.1, is_logarithmic=True)
        margin = 0.05 * (high - low) or abs(high) * 0.1 or 1.0
        return cls(low - margin, high + margin, is_logarithmic=False)

    def at(self, value: float) -> float:
        """Return the place of a value in pixels from the left."""
        low, high, here = (math.log(one) if self.is_logarithmic else one for one in (self.low, self.high, value))
        return _LEFT + _PLOT * (here - low) / (high - low)

    def ticks(self) -> list[float]:
        """Return the values with a mark: some 1, 2 or 5 times a power of ten."""
        marks = self._spread_powers() if self.is_logarithmic else self._spread_steps()
        return [mark for mark in marks if self.low <= mark <= self.high]

    def _spread_powers(self) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        digits = (1, 2, 5) if last - first <= _DECADES else (1,)
        return [digit * 10.0**power for power in range(first, last + 1) for digit in digits]

    def _spread_steps(self) -> list[float]:
        """Return four to ten of them."""
        whole = 10.0 ** math.ceil(math.log10(self.high - self.low))
        step = next(whole / part for part in (5, 10, 20, 50) if (self.high - self.low) * part / whole >= 4)
        return [number * step for number in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def height_of(rows: int) -> int:
    """Return how high the picture of so many rows is, in pixels; it is WIDTH wide."""
    return _TOP + _ROW * rows + _BOTTOM


def draw(rows: Sequence[Row], *, title: str, axis_title: str) -> str:
    """Return the picture of the rows, one below the other. axis_title: what the values are, and what is better."""
    entries = [one for row in rows for one in row.entries]
    values = [one.value for one in entries if one.value is not None]
    floor = find_floor(entries) if values else None
    axis = Axis.of(values if floor is None else [*values, floor])
    height = height_of(len(rows))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        _text(_LEFT, 22, title, "title"),
        *(_draw_axis(axis, height, axis_title) if values else _draw_nothing(entries, height)),
        *([] if floor is None else _draw_floor(axis.at(floor), height)),
        *(part for place, row in enumerate(rows) for part in _draw_row(row, axis, _TOP + _ROW * place + _ROW / 2)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _draw_axis(axis: Axis, height: int, title: str) -> Iterator[str]:
    bottom = height - _BOTTOM
    for mark in axis.ticks():
        x = axis.at(mark)
        yield f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{bottom}"/>'
        yield _text(x, bottom + 16, f"{mark:.4g}", "small", anchor="middle")
    yield _text(_LEFT + _PLOT / 2, bottom + 36, title, "small", anchor="middle")
    yield _text(_LEFT + _PLOT + 16, _TOP - 14, "failed", "small")


def _draw_nothing(entries: Sequence[Entry], height: int) -> Iterator[str]:
    """Say in the place of an axis why there is none."""
    is_early = not entries or any(one.outcome == "waiting" for one in entries)
    told = "no trial has finished yet" if is_early else "no trial has a value"
    yield _text(_LEFT + _PLOT / 2, (_TOP + height - _BOTTOM) / 2, told, "small", anchor="middle")
    yield _text(_LEFT + _PLOT + 16, _TOP - 14, "failed", "small")


def _draw_floor(x: float, height: int) -> Iterator[str]:
    yield f'<line class="floor" x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - _BOTTOM}"/>'
    yield _text(x, _TOP - 14, "real pictures", "small", anchor="middle")


def _draw_row(row: Row, axis: Axis, y: float) -> Iterator[str]:
    finished, failed = row.having("finished"), row.having("failed")
    told = f"{len(finished)} of {len(row.entries)}" + (f", {len(failed)} failed" if failed else "")
    yield _text(_LEFT - 14, y - 2, row.contestant, anchor="end")
    yield _text(_LEFT - 14, y + 13, told, "small", anchor="end")
    if row.distribution is not None:
        yield from _draw_box(row.distribution, axis, y)
    for place, one in enumerate(finished):
        assert one.value is not None  # a finished trial has one
        height = y + _JITTER * (2 * (place * 0.618 % 1) - 1)  # by the golden ratio: neighbours are apart
        yield f'<circle class="dot" cx="{axis.at(one.value):.1f}" cy="{height:.1f}" r="3.5">{_label(one)}</circle>'
    yield from _draw_crosses(failed, y)


def _draw_box(found: Distribution, axis: Axis, y: float) -> Iterator[str]:
    low, lower, median, upper, high = (
        axis.at(value)
        for value in (found.minimum, found.lower_quartile, found.median, found.upper_quartile, found.maximum)
    )
    yield f'<line class="line" x1="{low:.1f}" y1="{y:.1f}" x2="{lower:.1f}" y2="{y:.1f}"/>'
    yield f'<line class="line" x1="{upper:.1f}" y1="{y:.1f}" x2="{high:.1f}" y2="{y:.1f}"/>'
    top = f'y="{y - _BOX / 2:.1f}" height="{_BOX}"'
    yield f'<rect class="box" x="{lower:.1f}" width="{upper - lower:.1f}" {top}/>'
    ends = f'y1="{y - _BOX / 2:.1f}" y2="{y + _BOX / 2:.1f}"'
    yield f'<line class="median" x1="{median:.1f}" x2="{median:.1f}" {ends}/>'


def _draw_crosses(failed: Sequence[Entry], y: float) -> Iterator[str]:
    """Yield a cross for each, in up to three lines, the closer the more there are."""
    columns = max(_CROSSES, math.ceil(len(failed) / 3))
    top = y - 6 * (math.ceil(len(failed) / columns) - 1)
    for place, one in enumerate(failed):
        across, down = place % columns, place // columns
        yield _draw_cross(one, _LEFT + _PLOT + 22 + 12 * across * _CROSSES / columns, top + 12 * down)


def _draw_cross(entry: Entry, x: float, y: float) -> str:
    return f'<path class="failed" d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8">{_label(entry)}</path>'


def _label(entry: Entry) -> str:
    return f"<title>{escape(entry.label)}</title>"


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
