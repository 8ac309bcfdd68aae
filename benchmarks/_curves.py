"""Curves as SVG, drawn by hand: the same bytes for the same numbers, in the reader's scheme, without script."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 70, 190, 64, 48
_HEIGHT, _GAP = 220, 56
_PLOT = _WIDTH - _LEFT - _RIGHT
_LINE = 15
"""Pixels between two names at the right at least."""

_COLOURS = (("#0969da", "#4493f8"), ("#bc4c00", "#db6d28"), ("#1a7f37", "#3fb950"), ("#8250df", "#ab7df8"))
"""Of one curve after the other, in the light and in the dark scheme."""

_STYLE = """
.paper{fill:#fff}text{fill:#1f2328;font:13px system-ui,sans-serif}.small{font-size:11px;fill:#59636e}
.title{font-size:15px;font-weight:600}.grid{stroke:#d1d9e0}.real{stroke:#59636e;stroke-dasharray:4 3}
polyline{fill:none;stroke-width:2}
"""
_DARK = """.paper{fill:#0d1117}text{fill:#f0f6fc}.small{fill:#9198a1}.grid{stroke:#3d444d}.real{stroke:#9198a1}"""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (x, y) in the order of x, and what they are called."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over one axis. title: what the values are, and which are better. real: what real pictures have."""

    title: str
    curves: Sequence[Curve]
    real: float | None
    is_logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values stand. low, high: what stands at `begin` and at `end`, in pixels."""

    low: float
    high: float
    begin: float
    end: float
    is_logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value in pixels."""
        low, high, here = (math.log(one) if self.is_logarithmic else one for one in (self.low, self.high, value))
        return self.begin + (self.end - self.begin) * (here - low) / (high - low)

    def ticks(self) -> list[float]:
        """Return values with a mark: 1, 2 or 5 times powers of ten where logarithmic, else four to ten even steps."""
        if self.is_logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            marks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
        else:
            whole = 10.0 ** math.ceil(math.log10(self.high - self.low))
            step = next(whole / part for part in (5, 10, 20, 50) if (self.high - self.low) * part / whole >= 4)
            marks = [number * step for number in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [mark for mark in marks if self.low <= mark <= self.high]


def draw_panels(panels: Sequence[Panel], *, title: str, x_title: str) -> str:
    """Return the panels one below the other, over one axis of x from 0. Curves keep their colours in all of them."""
    height = _TOP + (_HEIGHT + _GAP) * len(panels) - _GAP + _BOTTOM
    furthest = max((x for panel in panels for curve in panel.curves for x, _ in curve.points), default=1.0)
    across = Scale(0, furthest, _LEFT, _LEFT + _PLOT)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">',
        f"<style>{_STYLE}{_colour(0)}@media(prefers-color-scheme:dark){{{_DARK}{_colour(1)}}}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}"/>',
        _text(_LEFT, 24, title, "title"),
        *(
            part
            for place, panel in enumerate(panels)
            for part in _draw_panel(panel, across, _TOP + place * (_HEIGHT + _GAP))
        ),
        _text(_LEFT + _PLOT / 2, height - 10, x_title, "small", anchor="middle"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _colour(scheme: int) -> str:
    return "".join(
        f".c{place}{{stroke:{colours[scheme]}}}circle.c{place},text.c{place}{{fill:{colours[scheme]};stroke:none}}"
        for place, colours in enumerate(_COLOURS)
    )


def _draw_panel(panel: Panel, across: Scale, top: float) -> Iterator[str]:
    upward, bottom = _stand(panel, top), top + _HEIGHT
    yield _text(_LEFT, top - 10, panel.title, "small")
    for mark in upward.ticks():
        y = upward.at(mark)
        yield f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + _PLOT}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 8, y + 4, f"{mark:.4g}", "small", anchor="end")
    for mark in across.ticks():
        yield _text(across.at(mark), bottom + 16, f"{mark:,.0f}", "small", anchor="middle")
    if panel.real is not None:
        y = upward.at(panel.real)
        yield f'<line class="real" x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + _PLOT}" y2="{y:.1f}"/>'
        yield _text(_LEFT + _PLOT, y - 5, "real pictures", "small", anchor="end")
    for place, curve in enumerate(panel.curves):
        yield from _draw_curve(curve, across, upward, f"c{place % len(_COLOURS)}")
    yield from _draw_names(panel, upward)


def _stand(panel: Panel, top: float) -> Scale:
    """Return the scale on which all values have room, from 0 on where it is even."""
    values = [y for curve in panel.curves for _, y in curve.points]
    values += [] if panel.real is None else [panel.real]
    low, high = (min(values), max(values)) if values else (0.1, 1.0)
    if panel.is_logarithmic and low > 0:
        return Scale(low / 1.3, high * 1.3, top + _HEIGHT, top, is_logarithmic=True)
    return Scale(min(0.0, low), high * 1.08 or 1.0, top + _HEIGHT, top)


def _draw_curve(curve: Curve, across: Scale, upward: Scale, kind: str) -> Iterator[str]:
    places = [(across.at(x), upward.at(y)) for x, y in curve.points]
    yield f'<polyline class="{kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'
    for (x, y), point in zip(places, curve.points, strict=True):
        label = escape(f"{curve.name}: {point[1]:.4g} at {point[0]:,.0f}")
        yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{label}</title></circle>'


def _draw_names(panel: Panel, upward: Scale) -> Iterator[str]:
    """Name each curve at its end; names that would meet stand below one another."""
    ends = sorted((upward.at(curve.points[-1][1]), place) for place, curve in enumerate(panel.curves) if curve.points)
    y = -math.inf
    for end, place in ends:
        y = max(end, y + _LINE)
        yield _text(_LEFT + _PLOT + 10, y + 4, panel.curves[place].name, f"c{place % len(_COLOURS)}")


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
