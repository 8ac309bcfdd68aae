"""Options that are refused before anything is asked of a service."""

import pytest
from typer.testing import CliRunner

from ganery import cli
from models import NiceMethod


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--nice", "--nice-method", "best"), "--nice-method best: choose top, the best of the candidates, or drs"),
        (("--nice-method", "drs"), "--nice-method drs means nothing without --nice: add it"),
        (("--nice-factor", "5"), "--nice-factor 5 means nothing without --nice: add it"),
    ],
)
def test_a_wrong_choice_of_nice_pictures_says_what_would_be_right(words: tuple[str, ...], told: str) -> None:
    result = CliRunner().invoke(cli.app, ["generate", *words])
    assert result.exit_code == 1
    assert told in " ".join(result.stderr.split())


def test_the_methods_are_those_that_there_are() -> None:
    assert list(cli.NICE_METHODS) == [method.value for method in NiceMethod]
