"""Formulas as MathML."""

from xml.etree import ElementTree

import pytest

from app.teaching.formulas import FormulaError, to_mathml


def inner(source: str) -> str:
    text = to_mathml(source, display=True)
    return text.partition("<mrow>")[2].rpartition("</mrow>")[0]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x", "<mi>x</mi>"),
        ("lambda", "<mi>λ</mi>"),
        ("0.5", "<mn>0.5</mn>"),
        ("a - b", "<mi>a</mi><mo>−</mo><mi>b</mi>"),
        ("-b", '<mo form="prefix">−</mo><mi>b</mi>'),
        ("x_i", "<msub><mi>x</mi><mrow><mi>i</mi></mrow></msub>"),
        ("x'", "<msup><mi>x</mi><mrow><mo>′</mo></mrow></msup>"),
        ("x_i^2", "<msubsup><mi>x</mi><mrow><mi>i</mi></mrow><mrow><mn>2</mn></mrow></msubsup>"),
        ("sum_i", "<munder><mo>∑</mo><mrow><mi>i</mi></mrow></munder>"),
        ("frac{1}{2}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>"),
        ("sqrt{v}", "<msqrt><mrow><mi>v</mi></mrow></msqrt>"),
        ("i != j", "<mi>i</mi><mo>≠</mo><mi>j</mi>"),
        ("(x)", '<mrow><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo></mrow>'),
    ],
)
def test_a_piece_is_set_as_it_should_be(source: str, expected: str) -> None:
    assert inner(source) == expected


def test_a_power_is_of_the_whole_bracket() -> None:
    assert inner("(a + b)^2").startswith("<msup><mrow>")


def test_brackets_grow_around_a_fraction_alone() -> None:
    assert 'stretchy="false"' not in inner("(frac{a}{b})")


def test_a_formula_in_a_line_sticks_to_the_comma_behind_it() -> None:
    assert to_mathml("x").endswith("</math>\N{WORD JOINER}")
    assert to_mathml("x", display=True).endswith("</math>")


def test_what_is_typed_stands_for_who_sees_no_formula() -> None:
    root = ElementTree.fromstring(to_mathml("a < b", display=True))
    assert root.get("alttext") == "a < b"
    assert root.get("display") == "block"


@pytest.mark.parametrize("source", ["lambada", "x_", "(x", "frac 1 2", "x @ y", "sqrt"])
def test_a_slip_of_the_pen_is_found(source: str) -> None:
    with pytest.raises(FormulaError, match="'"):
        to_mathml(source)
