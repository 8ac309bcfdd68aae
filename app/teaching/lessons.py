"""What is taught: an overview, and a lesson on each family that somebody has written one on.

They are files by name (app/templates/lessons): `<language>/<family>.html` sets the texts of a lesson, `formulas/
<family>.txt` has its formulas, which are the same in every language, and `map.txt` says which family mends a fault of
which. A family without a lesson has a page all the same.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import TemplateNotFound
from markupsafe import Markup

from app.teaching.formulas import to_mathml
from app.teaching.words import Language
from app.web.pages import read_texts

_FOLDER = Path(__file__).parents[1] / "templates" / "lessons"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson on a family, as HTML. mends: whose fault. experiment: what to try."""

    summary: Markup
    idea: Markup
    formula: Markup
    trouble: Markup
    mends: Markup
    experiment: Markup


@dataclass(frozen=True, slots=True)
class Overview:
    """What is taught before any family, as HTML."""

    game: Markup
    collapse: Markup
    loss: Markup
    good: Markup
    map: Markup


@dataclass(frozen=True, slots=True)
class FormulaRow:
    """A formula with what it is of: a player, or what it defines. lines: MathML, where it is long several."""

    name: str
    lines: Sequence[Markup]


_HAN = "[\u3000-\u9fff\uff00-\uffef“”]"
_STUCK = re.compile("(<math(?:(?!</math>).)*</math>)\N{WORD JOINER}?([，。；：、）”？！,.;:)]+)", re.DOTALL)
_NO_SPACE = re.compile(f"(?<={_HAN})\n(?={_HAN})|(?<=[，。；：、（？])\n")


def _read(template: str, suffix: str) -> Mapping[str, Markup]:
    """Return the texts of a template.

    Between Chinese characters, the end of a line is no space. A formula and what closes it stay on one line: browsers
    break between them, and a line would begin with a comma.
    """
    texts = read_texts(template, suffix=suffix)
    return {
        name: Markup(_STUCK.sub(r'<span class="whole">\1\2</span>', _NO_SPACE.sub("", text)))
        for name, text in texts.items()
    }


def find_lesson(family: str, language: Language, *, suffix: str = "") -> Lesson | None:
    """Return the lesson on a family, None where there is none. suffix: of each link to another lesson."""
    try:
        return Lesson(**_read(f"lessons/{language}/{family}", suffix))
    except TemplateNotFound:
        return None


def read_overview(language: Language, *, suffix: str = "") -> Overview:
    """Return the overview."""
    return Overview(**_read(f"lessons/{language}/overview", suffix))


def read_formulas(family: str) -> Sequence[FormulaRow]:
    """Return the formulas of a family, none where nobody wrote them down. A line that is indented goes on.

    Raises FormulaError where one cannot be read.
    """
    file = _FOLDER / "formulas" / f"{family}.txt"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    rows = []
    for name, lines in re.findall(r"^(\w+) = (.*(?:\n +.*)*)", text, re.MULTILINE):
        rows.append(FormulaRow(name, [to_mathml(line.strip(), display=True) for line in lines.split("\n")]))
    return rows


def read_map() -> Mapping[str, Sequence[str]]:
    """Return for each family those that mend a fault of it."""
    mended: dict[str, list[str]] = {}
    for line in (_FOLDER / "map.txt").read_text(encoding="utf-8").splitlines():
        family, mender = line.split(" -> ")
        mended.setdefault(family, []).append(mender)
    return mended
