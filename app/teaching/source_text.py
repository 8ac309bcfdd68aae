"""A Python file as lines of HTML: comments, strings and keywords are marked by classes."""

import io
import keyword
import tokenize
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

_CLASSES = {tokenize.COMMENT: "comment", tokenize.STRING: "string"}
_Span = tuple[int, int, str]


def mark_up(source: str) -> Sequence[Markup]:
    """Return the lines. source: Python that can be read."""
    spans: dict[int, list[_Span]] = {}
    for number, span in _spans(source):
        spans.setdefault(number, []).append(span)
    return [_mark_line(line, spans.get(number, ())) for number, line in enumerate(source.splitlines(), 1)]


def _spans(source: str) -> Iterator[tuple[int, _Span]]:
    """Yield where something is marked: the line, from and to which column, and as what."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_keyword = token.type == tokenize.NAME and keyword.iskeyword(token.string)
        name = "keyword" if is_keyword else _CLASSES.get(token.type)
        if name is None:
            continue
        (first, start), (last, end) = token.start, token.end
        for number in range(first, last + 1):
            begin = start if number == first else 0
            yield number, (begin, end if number == last else len(lines[number - 1]), name)


def _mark_line(line: str, spans: Sequence[_Span]) -> Markup:
    parts, place = [], 0
    for start, end, name in spans:
        parts.append(f'{escape(line[place:start])}<span class="{name}">{escape(line[start:end])}</span>')
        place = end
    return Markup("".join(parts)) + escape(line[place:])
