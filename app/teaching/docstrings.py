"""A module's docstring as parts that a page can show: paragraphs, formulas and lists, under their headings."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["paragraph", "formula", "list"]

_HEADED = re.compile(r"(Source|Idea|Traps|Deviations[^:\n]*):?\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of text. heading: under which it stands, empty at the beginning. lines: of a list, its items."""

    kind: Kind
    heading: str
    lines: Sequence[str]

    @property
    def text(self) -> str:
        """A paragraph as one line, a formula as it is laid out."""
        return "\n".join(self.lines) if self.kind == "formula" else " ".join(self.lines)


def read_docstring(text: str) -> list[Part]:
    """Return the parts of a docstring whose lines are not indented: those of a module."""
    parts, heading = list[Part](), ""
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        heading, rest = _split_heading(block, heading)
        parts += _read_block(rest, heading)
    return parts


def _split_heading(block: str, heading: str) -> tuple[str, str]:
    found = _HEADED.match(block)
    return (found[1], found[2]) if found else (heading, block)


def _read_block(block: str, heading: str) -> Iterator[Part]:
    if not block.strip():
        return
    lines = block.split("\n")
    if all(line.startswith("    ") for line in lines):
        yield Part("formula", heading, [line[4:] for line in lines])
    elif lines[0].startswith("* "):
        yield Part("list", heading, [" ".join(item.split()) for item in re.split(r"^\* ", block, flags=re.M) if item])
    else:
        yield Part("paragraph", heading, [line.strip() for line in lines])
