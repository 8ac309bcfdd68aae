"""What counts as a collapse, and what is a healthy training on its way."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from models import Family, Symptom, families
from tests.training import TOY
from workers.watch import LEAST_STEPS, Look, Past, Watch, advise, explain

HEALTHY = Look(step=1000, progress=0.9, spread=0.9, variety=0.95, classes=1.0, separation=0.8)


def see(*looks: Look, past: Past | None = None) -> list[tuple[Symptom, ...]]:
    watch = Watch(past or Past())
    return [watch.see(look) for look in looks]


def growing(**signs: Sequence[float]) -> list[Look]:
    """Looks spread evenly over a training, with these signs and else healthy ones."""
    count = len(next(iter(signs.values())))
    return [
        Look.of(1000 * i, (i + 1) / count, HEALTHY.signs | {name: values[i] for name, values in signs.items()})
        for i in range(count)
    ]


BAD = {
    Symptom.DEAD: replace(HEALTHY, spread=0.01),
    Symptom.UNIFORM: replace(HEALTHY, variety=0.3),
    Symptom.MISSING_CLASSES: replace(HEALTHY, classes=0.5),
    Symptom.SATURATED: replace(HEALTHY, separation=1.0),
}


@pytest.mark.parametrize("symptom", list(BAD))
def test_a_sign_that_stays_is_told_once(symptom: Symptom) -> None:
    bad = BAD[symptom]
    assert see(bad, bad, bad, HEALTHY, bad, bad) == [(), (symptom,), (), (), (), ()]


@pytest.mark.parametrize("symptom", list(BAD))
def test_a_sign_that_passes_is_not_told(symptom: Symptom) -> None:
    bad = BAD[symptom]
    assert see(bad, HEALTHY, bad, HEALTHY) == [()] * 4


def test_a_healthy_training_is_silent_while_it_gains_what_it_lacks() -> None:
    early = growing(
        spread=[0.01, 0.1, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9],
        variety=[0.05, 0.2, 0.6, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9],
        classes=[0.1, 0.3, 0.3, 0.6, 0.8, 0.9, 1.0, 1.0, 1.0, 1.0],
        separation=[1.0, 0.999, 0.99, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9],
    )
    assert see(*early) == [()] * 10


def test_who_had_variety_and_lost_it_is_told_however_early() -> None:
    looks = [replace(look, progress=0.01 * i) for i, look in enumerate(growing(variety=[0.9, 0.4, 0.4, 0.4]))]
    assert see(*looks) == [(), (), (Symptom.UNIFORM,), ()]


def test_a_dead_generator_is_told_as_that_alone() -> None:
    dead = Look(step=1000, progress=1.0, spread=0.0, variety=0.0, classes=0.1, separation=1.0)
    assert see(dead, dead) == [(), (Symptom.DEAD,)]


@pytest.mark.parametrize("symptom", list(BAD))
def test_the_first_steps_of_a_short_training_are_no_collapse(symptom: Symptom) -> None:
    bad = replace(BAD[symptom], step=LEAST_STEPS - 1)
    assert see(bad, bad, bad) == [()] * 3


def test_what_nothing_can_measure_is_no_symptom() -> None:
    blind = Look(step=1000, progress=1.0, spread=0.9)
    assert see(blind, blind, blind) == [()] * 3
    assert blind.signs == {"spread": 0.9}


def test_a_watch_that_goes_on_is_as_if_it_had_never_slept() -> None:
    bad = replace(HEALTHY, variety=0.3)
    assert see(bad, past=Past((HEALTHY, bad), frozenset())) == [(Symptom.UNIFORM,)]
    assert see(bad, past=Past((HEALTHY, bad, bad), frozenset())) == [()]
    assert see(bad, bad, past=Past((), frozenset({Symptom.UNIFORM}))) == [(), ()]


def test_a_look_survives_its_record() -> None:
    assert Look.of(HEALTHY.step, HEALTHY.progress, {**HEALTHY.signs, "of_another_version": 1.0}) == HEALTHY


@pytest.mark.parametrize("symptom", list(BAD))
def test_a_warning_tells_what_was_seen_and_what_to_do(symptom: Symptom) -> None:
    told = explain(TOY, symptom, BAD[symptom])
    assert told is not None
    assert "{" not in told
    assert told.endswith(advise(TOY, symptom))


@pytest.mark.parametrize("family", families().values(), ids=list(families()))
def test_advice_names_what_the_family_has(family: Family[Any]) -> None:
    known = set(family.hyperparameters.model_fields)
    for symptom, advice in family.advice.items():
        if advice is None:
            assert explain(family, symptom, HEALTHY) is None
        else:
            assert set(re.findall(r"`(\w+)`", advice)) <= known
            assert advice[0].islower()
            assert advice[-1] not in ".;"


def test_who_still_gains_variety_or_classes_is_not_warned() -> None:
    """A generator that learns from a discriminator that is sure of everything: gan_r1 begins so."""
    gaining = growing(variety=[0.05 * (i + 1) for i in range(9)], classes=[0.1] * 9, separation=[1.0] * 9)
    assert see(*gaining) == [()] * 9
    resting = growing(variety=[0.2] * 9, classes=[0.1] * 9, separation=[1.0] * 9)
    assert {symptom for told in see(*resting) for symptom in told} == {
        Symptom.UNIFORM,
        Symptom.MISSING_CLASSES,
        Symptom.SATURATED,
    }
    losing = growing(variety=[0.9 - 0.1 * i for i in range(9)])
    assert (Symptom.UNIFORM,) in see(*losing)
    by_chance = growing(variety=[0.2 + 0.001 * i for i in range(9)])
    assert (Symptom.UNIFORM,) in see(*by_chance)
