"""The picture of a study, as SVG: a box for each family, a dot for each trial, a cross for each that failed.

Drawn by hand: text, lines and circles, the same bytes for the same trials. It follows the reader's light or dark
scheme, and needs no script.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from app.study_report import Distribution, Entry, Row

MEDIA_TYPE = "image/svg+xml"

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 960, 210, 110, 56, 48, 46
_PLOT = _WIDTH - _LEFT - _RIGHT
_BOX = 18
_JITTER = 12
_WIDE = 20.0
"""Largest by smallest value above which the axis is logarithmic."""

_STYLE = """
.paper{fill:#fff}text{fill:#1f2328;font:13px system-ui,sans-serif}.small{font-size:11px;fill:#59636e}
.title{font-size:15px;font-weight:600}.grid{stroke:#d1d9e0}.box{fill:#0969da;fill-opacity:.15;stroke:#0969da}
.line{stroke:#0969da}.median{stroke:#0969da;stroke-width:3}.dot{fill:#0969da;fill-opacity:.65}
.failed{stroke:#cf222e;stroke-width:2}
@media(prefers-color-scheme:dark){.paper{fill:#0d1117}text{fill:#f0f6fc}.small{fill:#9198a1}.grid{stroke:#3d444d}
.box{fill:#4493f8;stroke:#4493f8}.line,.median{stroke:#4493f8}.dot{fill:#4493f8}.failed{stroke:#f85149}}
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
        """Return the values with a mark: some 1, 2 and 5 times a power of ten."""
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 2))
        if self.is_logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            marks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
        else:
            step = next(step / part for part in (1, 2, 5, 10) if (self.high - self.low) / (step / part) >= 4)
            first, last = math.ceil(self.low / step), math.floor(self.high / step)
            marks = [number * step for number in range(first, last + 1)]
        return [mark for mark in marks if self.low <= mark <= self.high]


def draw(rows: Sequence[Row], *, title: str, axis_title: str) -> str:
    """Return the picture of the rows, one below the other. axis_title: what the values are, and what is better."""
    axis = Axis.of([one.value for row in rows for one in row.entries if one.value is not None])
    height = _TOP + _ROW * len(rows) + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}"/>',
        _text(_LEFT, 22, title, "title"),
        *_draw_axis(axis, height, axis_title),
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
    for place, one in enumerate(failed):
        yield _draw_cross(one, _LEFT + _PLOT + 22 + 12 * (place % 7), y - 12 + 12 * (place // 7))


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


def _draw_cross(entry: Entry, x: float, y: float) -> str:
    return f'<path class="failed" d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8">{_label(entry)}</path>'


def _label(entry: Entry) -> str:
    return f"<title>{escape(entry.label)}</title>"


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
