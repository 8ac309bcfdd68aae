"""Formulas as MathML, which browsers draw by themselves, from a line as one would type it.

    min  -E f(x) + E f(G(z)) + lambda E (norm{grad f(x')} - 1)^2

A word is a Greek letter, an upright name or one of the shapes below; a single letter is a variable, and `E` the
expectation. `_` and `^` lower and raise what follows, braces group it. `frac{a}{b}`, `sqrt{a}` and `norm{a}` take
groups; `*` is a dot. Every other word is refused, so a slip of the pen is found by the test that reads all formulas.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

GREEK = {
    "chi": "χ",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "lambda": "λ",
    "mu": "μ",
    "phi": "φ",
    "psi": "ψ",
    "sigma": "σ",
}
NAMES = frozenset(
    {"log", "exp", "min", "max", "clip", "mean", "std", "up", "down", "KL", "JS", "Enc", "Dec", "AE", "inf"}
)
"""Set upright, with a little space after them."""
_LIMITS = frozenset({"min", "max", "inf", "sum"})
"""What is lowered stands beneath them."""
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_TALL = ("<mfrac>", "<munder>")
"""Brackets grow around these."""
_SHAPES = {
    "frac": "<mfrac>{}{}</mfrac>",
    "sqrt": "<msqrt>{}</msqrt>",
    "norm": '<mrow><mo stretchy="false">‖</mo>{}<mo stretchy="false">‖</mo></mrow>',
    "abs": '<mrow><mo stretchy="false">|</mo>{}<mo stretchy="false">|</mo></mrow>',
    "sum": "<mo>∑</mo>",
    "grad": "<mo>∇</mo>",
    "E": "<mi>𝔼</mi>",
}
"""What words stand for; each pair of braces is a group that follows."""
_SIGNS = {"-": "−", "*": "·", "<=": "≤", ">=": "≥", "!=": "≠", "->": "→", "'": "′", "...": "…", "||": "∥"}

_TOKEN = re.compile(r"\s*(?:([A-Za-z]+)|(\d+(?:\.\d+)?)|(<=|>=|!=|->|\|\||\.\.\.|[-+=*/|,;:()\[\]{}_^'<>.]))")
_SPACE = '<mspace width="0.17em"></mspace>'


class FormulaError(ValueError):
    """A formula that cannot be read."""

    def __init__(self, source: str, detail: str) -> None:
        self.source, self.detail = source, detail
        super().__init__(f"{source!r}: {detail}")


def to_mathml(source: str, *, display: bool = False) -> Markup:
    """Return a formula as a `math` element; `display` is for one on a line of its own. Raises FormulaError.

    In a line it sticks to what follows, so that no line begins with a comma.
    """
    reader = _Reader(source, _split(source))
    rows = reader.row(until=None)
    mode, joiner = (' display="block"', "") if display else ("", "\N{WORD JOINER}")
    return Markup(f'<math{mode} alttext="{escape(source)}"><mrow>{rows}</mrow></math>{joiner}')


def _split(source: str) -> list[str]:
    tokens, place = [], 0
    source = source.rstrip()
    while place < len(source):
        found = _TOKEN.match(source, place)
        if found is None:
            raise FormulaError(source, f"no sign of ours at {source[place:].strip()[:1]!r}")
        tokens.append(found.group().strip())
        place = found.end()
    return tokens


@dataclass(slots=True)
class _Reader:
    """Reads tokens from left to right; each method returns MathML."""

    source: str
    tokens: Sequence[str]
    place: int = field(default=0)

    def row(self, *, until: str | None) -> str:
        """Read atoms up to the closing bracket, or to the end."""
        parts: list[str] = []
        while self._next() != until:
            if self._next() is None:
                raise FormulaError(self.source, f"{until!r} is missing")
            parts.append(self._sign_in_front() if self._next() == "-" and not parts else self._scripted())
        return "".join(parts)

    def _sign_in_front(self) -> str:
        self._take()
        return '<mo form="prefix">−</mo>'

    def _scripted(self) -> str:
        """Read an atom with what is lowered and raised beside it."""
        name = self._next()
        base, lowered, raised = self._atom(), "", ""
        while self._next() in {"_", "^", "'"}:
            match self._take():
                case "_":
                    lowered += self._atom()
                case "^":
                    raised += self._atom()
                case _:
                    raised += "<mo>′</mo>"
        base = _script(base, lowered, raised, is_limit=name in _LIMITS)
        return base + (self._space_behind() if name == "E" or name in NAMES else "")

    def _space_behind(self) -> str:
        """Return a thin space, and the sign of what a name is applied to."""
        following = self._next()
        if following == "-":
            return _SPACE + self._sign_in_front()
        return "" if following in {None, "(", ")", "}"} else _SPACE

    def _atom(self) -> str:
        token = self._take()
        if token in _PAIRS:
            return self._bracketed(token)
        if token.isalpha():
            return self._word(token)
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        return f"<mo>{escape(_SIGNS.get(token, token))}</mo>"

    def _bracketed(self, opening: str) -> str:
        """Read what stands in brackets; braces are not shown."""
        closing = _PAIRS[opening]
        inside = self.row(until=closing)
        self._take()
        if opening == "{":
            return f"<mrow>{inside}</mrow>"
        size = "" if any(tall in inside for tall in _TALL) else ' stretchy="false"'
        return f"<mrow><mo{size}>{opening}</mo>{inside}<mo{size}>{closing}</mo></mrow>"

    def _word(self, word: str) -> str:
        if word in _SHAPES:
            return _SHAPES[word].format(*(self._braced() for _ in range(_SHAPES[word].count("{}"))))
        if word in NAMES or word in GREEK or len(word) == 1:
            return f"<mi>{GREEK.get(word, word)}</mi>"
        raise FormulaError(self.source, f"{word!r} is no word of ours")

    def _braced(self) -> str:
        if self._next() != "{":
            raise FormulaError(self.source, "a brace is missing")
        return self._atom()

    def _next(self) -> str | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def _take(self) -> str:
        token = self._next()
        if token is None:
            raise FormulaError(self.source, "something is missing at its end")
        self.place += 1
        return token


def _script(base: str, lowered: str, raised: str, *, is_limit: bool) -> str:
    """Return MathML with what is lowered, or stands beneath, and what is raised, or stands above."""
    low, high, both = ("munder", "mover", "munderover") if is_limit else ("msub", "msup", "msubsup")
    below, above = f"<mrow>{lowered}</mrow>", f"<mrow>{raised}</mrow>"
    if lowered and raised:
        return f"<{both}>{base}{below}{above}</{both}>"
    if lowered:
        return f"<{low}>{base}{below}</{low}>"
    return f"<{high}>{base}{above}</{high}>" if raised else base
