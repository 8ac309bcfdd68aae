"""Lessons: every family that ships has one in each language, and what they say is of this service."""

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import asdict, fields
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from app.teaching.docstrings import Part, read_docstring
from app.teaching.lessons import Lesson, find_lesson, read_formulas, read_map, read_overview
from app.teaching.source_text import mark_up
from app.teaching.words import ENGLISH, WORDS, Language, Words, read_declared
from app.web.pages import NAVIGATION
from metrics import metrics
from models import DATASETS, Family, Symptom, _neutral, families, known_controls, trace_flow

every_lesson = pytest.mark.parametrize("language", list(Language))
of_every_family = pytest.mark.parametrize("name", list(families()))


def lesson_on(name: str, language: Language, suffix: str = "") -> Lesson:
    lesson = find_lesson(name, language, suffix=suffix)
    assert lesson is not None
    return lesson


def plain(text: str) -> str:
    """Return what a reader reads, without formulas and tags."""
    return unescape(re.sub(r"<[^>]+>", "", re.sub(r"<math.*?</math>", "x", text)))


@every_lesson
@of_every_family
def test_a_family_that_ships_has_a_lesson_of_a_readable_length(name: str, language: Language) -> None:
    text = plain(" ".join(asdict(lesson_on(name, language)).values()))
    length = len(text.split()) if language is Language.ENGLISH else len(re.findall(r"[\u4e00-\u9fff]", text))
    low, high = (250, 600) if language is Language.ENGLISH else (400, 1100)
    assert low <= length <= high


@every_lesson
@of_every_family
def test_every_part_of_a_lesson_is_there_and_well_formed(name: str, language: Language) -> None:
    lesson = lesson_on(name, language)
    for field in fields(Lesson):
        text: str = getattr(lesson, field.name)
        assert plain(text).strip(), field.name
        opened = re.findall(r"<(p|ul|li|b|em|code|a|dl|dt|dd|span)\b", text)
        assert sorted(opened) == sorted(re.findall(r"</(\w+)>", re.sub(r"<math.*?</math>", "", text))), field.name
    assert "<math" in lesson.formula
    assert "<li><b>" in lesson.trouble
    assert lesson.idea.count("<p>") >= 2


@of_every_family
def test_a_lesson_says_the_same_in_each_language(name: str) -> None:
    """The same number of paragraphs and remedies, the same links, the same names of our own."""
    first, *others = (lesson_on(name, language) for language in Language)
    for other in others:
        for field in fields(Lesson):
            ours, theirs = getattr(first, field.name), getattr(other, field.name)
            assert ours.count("<p>") == theirs.count("<p>"), field.name
            assert ours.count("<li>") == theirs.count("<li>"), field.name
            for pattern in (r'href="([^"]+)"', r"<code>([^<]+)</code>"):
                assert set(re.findall(pattern, ours)) == set(re.findall(pattern, theirs)), field.name


@every_lesson
@of_every_family
def test_what_a_lesson_names_exists(name: str, language: Language) -> None:
    family, text = families()[name], " ".join(asdict(lesson_on(name, language, "?lang=xx")).values())
    for target in re.findall(r'href="([^"]+)"', text):
        assert target.removeprefix("/learn/").removesuffix("?lang=xx") in families()
        assert target.endswith("?lang=xx")
    for code in re.findall(r"<code>([^<]+)</code>", text):
        if re.fullmatch(r"[a-z][a-z0-9_]*", code):
            assert code in known_names(family), code


def known_names(family: Family[Any]) -> set[str]:
    """Return all that a lesson may set as code: what the family has, logs or is asked by, families and data sets."""
    written = "\n".join(Path(inspect.getfile(module)).read_text() for module in (_neutral, _module(family.name)))
    logged = set(re.findall(r'"([a-z][a-z0-9_]*)"', written))
    logged |= {f"mutual_information_{kind}" for kind in ("categorical", "continuous")}
    named = {*family.hyperparameters.model_fields, *family.presets, *known_controls(), *families(), *DATASETS}
    return named | logged


def _module(name: str) -> Any:
    return importlib.import_module(f"models.{name}")


@every_lesson
@of_every_family
def test_no_line_begins_with_what_closes_a_formula(name: str, language: Language) -> None:
    for text in asdict(lesson_on(name, language)).values():
        assert (
            re.findall(
                "</math>\N{WORD JOINER}?[，。；：、）”？！,.;:)]", re.sub('<span class="whole">.*?</span>', "", text)
            )
            == []
        )


@every_lesson
def test_the_overview_is_there(language: Language) -> None:
    overview = read_overview(language, suffix="?lang=xx")
    for text in asdict(overview).values():
        assert isinstance(text, Markup)
        assert len(plain(text)) > 100
    assert 'href="/ranking/studies?lang=xx"' not in overview.good  # that page knows no languages


def test_a_family_without_a_lesson_has_none() -> None:
    assert find_lesson("nobody", Language.ENGLISH) is None
    assert read_formulas("nobody") == []


@of_every_family
def test_formulas_can_be_read_and_their_rows_have_a_name_in_each_language(name: str) -> None:
    rows = read_formulas(name)
    assert rows
    for row in rows:
        assert row.lines
        for words in WORDS.values():
            assert row.name in words.terms


def test_the_map_leads_to_every_family() -> None:
    mended = read_map()
    assert {*mended, *(end for ends in mended.values() for end in ends)} == set(families())


# --- Words --------------------------------------------------------------------------------------------------------


def test_what_is_said_by_name_is_said_of_the_same_in_each_language() -> None:
    for words in WORDS.values():
        assert set(words.symptoms) == set(Symptom)
        assert set(words.terms) == set(ENGLISH.terms)
        assert set(words.endpoints) == set(ENGLISH.endpoints)


def test_what_a_game_and_its_results_are_called_is_known_in_chinese() -> None:
    moves = [move for family in families().values() for move in trace_flow(family).moves]
    chinese = WORDS[Language.CHINESE]
    assert {term for move in moves for term in move.terms} == set(chinese.losses)
    assert {move.then for move in moves if move.then} == set(chinese.afterwards)
    assert set(metrics()) == set(chinese.metrics)
    assert {one.path for one in NAVIGATION} == set(chinese.page_names)


def braces(words: Words) -> Iterator[tuple[str, list[str]]]:
    for field in fields(Words):
        value = getattr(words, field.name)
        if isinstance(value, str):
            yield field.name, sorted(re.findall(r"\{(\w*)\}", value))


def test_texts_have_the_same_gaps_in_each_language() -> None:
    first, *others = (dict(braces(words)) for words in WORDS.values())
    assert all(other == first for other in others)


def declared() -> set[str]:
    texts: set[str] = set()
    for name, family in families().items():
        title, *parts = read_docstring(inspect.getdoc(_module(name)) or "")
        texts.add(title.text.partition(": ")[2].rstrip("."))
        told = [part for part in parts if part.heading.startswith("Deviations") and part.kind == "list"]
        texts |= {part.heading for part in told} | {line for part in told for line in part.lines}
        texts |= {field.description or "" for field in family.hyperparameters.model_fields.values()}
        texts |= {preset.description for preset in family.presets.values()}
        texts |= {remedy for remedy in family.advice.values() if remedy}
    return texts | {field.description or "" for field in known_controls().values()}


def test_what_the_families_that_ship_declare_is_translated_and_nothing_else() -> None:
    """A text that is changed loses its translation: write another, or remove the line."""
    translated = set(read_declared(Language.CHINESE))
    assert translated - declared() == set()
    assert declared() - translated == set()


def test_what_is_not_translated_is_shown_as_english() -> None:
    chinese = WORDS[Language.CHINESE]
    assert chinese.translate("numbers in a latent") == "潜变量的维数"
    assert chinese.mark("numbers in a latent") == ""
    assert chinese.translate("anything else") == "anything else"
    assert chinese.mark("anything else") == ' lang="en"'
    assert ENGLISH.mark("anything else") == ""


def test_numbers_are_short() -> None:
    assert [ENGLISH.shorten(count) for count in (12, 28_065, 6_634_881)] == ["12", "28.1 k", "6.63 M"]
    assert WORDS[Language.CHINESE].shorten(6_634_881) == "663 万"


def test_a_numbered_network_keeps_its_number() -> None:
    assert WORDS[Language.CHINESE].term("generator_2") == "生成器 2"
    assert ENGLISH.term("something_new") == "something new"


# --- What a source file says --------------------------------------------------------------------------------------


def test_a_docstring_is_read_in_parts() -> None:
    text = "Name: what it is.\n\nIdea: one\ntwo.\n\n    min  a\n    max  b\n\nDeviations of `x`\n* one\n  more\n* two\n"
    assert read_docstring(text) == [
        Part("paragraph", "", ["Name: what it is."]),
        Part("paragraph", "Idea", ["one", "two."]),
        Part("formula", "Idea", ["min  a", "max  b"]),
        Part("list", "Deviations of `x`", ["one more", "two"]),
    ]


def test_source_is_marked_and_nothing_is_lost() -> None:
    source = 'def f():\n    """Say\n    <b>."""\n    return 1  # one\n'
    lines = mark_up(source)
    assert [unescape(re.sub(r"<[^>]+>", "", line)) for line in lines] == source.splitlines()
    assert lines[0] == '<span class="keyword">def</span> f():'
    assert lines[2] == '<span class="string">    &lt;b&gt;.&#34;&#34;&#34;</span>'
    assert lines[3].endswith('<span class="comment"># one</span>')
