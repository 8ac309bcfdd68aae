"""What flows where: of games whose flow is known, and of every family."""

from dataclasses import replace
from typing import Any

import pytest

from models import (
    LABEL,
    MNIST,
    NOISE,
    REAL,
    SEGMENTS,
    Conditioning,
    Family,
    Flow,
    Objective,
    UntraceableError,
    families,
    trace_flow,
)
from tests.training import TOY


def fed(flow: Flow, name: str) -> set[frozenset[str]]:
    return {feed for player in flow.players if player.name == name for feed in player.feeds}


def known(*feeds: set[str]) -> set[frozenset[str]]:
    return set(map(frozenset, feeds))


def test_the_toy_is_fed_with_real_pictures_and_draws_by_noise() -> None:
    flow = trace_flow(TOY)
    assert [(player.name, player.weights) for player in flow.players] == [("generator", 1)]
    assert fed(flow, "generator") == known({REAL})
    (move,) = flow.moves
    assert (move.name, move.trains, move.terms, move.reads) == (
        "generator",
        ("generator",),
        ("distance",),
        frozenset({"generator"}),
    )
    assert flow.drawing["generator"] == (frozenset({NOISE}),)
    assert flow.drawn_by == {"generator"}


@pytest.mark.parametrize(
    ("family", "network", "feeds"),
    [
        ("gan", "generator", known({NOISE})),
        ("gan", "discriminator", known({REAL}, {"generator"})),
        ("cgan", "discriminator", known({REAL, LABEL}, {"generator", LABEL})),
        ("acgan", "discriminator", known({REAL}, {"generator"})),  # it has to guess the label
        ("wgan_gp", "critic", known({REAL}, {"generator"}, {REAL, "generator", NOISE})),  # points between
        ("dragan", "discriminator", known({REAL}, {"generator"}, {REAL, NOISE})),  # points around real ones
        ("vae", "generator", known({"encoder", NOISE})),
        ("lapgan", "generator_0", known({NOISE, REAL})),  # the low-pass picture of a real one
        ("lapgan", "generator_2", known({NOISE})),
    ],
)
def test_networks_are_fed_as_the_papers_say(family: str, network: str, feeds: set[frozenset[str]]) -> None:
    assert fed(trace_flow(families()[family]), network) == feeds


def test_what_a_loss_looks_at_is_told() -> None:
    reads = {name: [move.reads for move in trace_flow(families()[name]).moves] for name in ("gan_r1", "acgan", "ebgan")}
    assert reads["gan_r1"] == [{"discriminator"}, {"discriminator"}]  # a slope is the discriminator's
    assert reads["acgan"] == [{"discriminator", LABEL}, {"discriminator", LABEL}]
    assert reads["ebgan"] == [{"discriminator", REAL, "generator"}, {"discriminator", "generator"}]


def test_what_follows_a_step_and_what_only_remembers_is_told() -> None:
    wgan, began = trace_flow(families()["wgan"]), trace_flow(families()["began"])
    assert [(move.repeats, move.then) for move in wgan.moves] == [(5, "clip_weights"), (1, None)]
    assert began.memories == ("balance",)
    assert "balance" in began.moves[0].reads


def test_a_pyramid_is_drawn_from_its_top() -> None:
    drawing = trace_flow(families()["lapgan"]).drawing
    assert drawing["generator_2"] == (frozenset({NOISE}),)
    assert drawing["generator_1"] == (frozenset({NOISE, "generator_2"}),)
    assert drawing["generator_0"] == (frozenset({NOISE, "generator_1", "generator_2"}),)


def test_a_loss_that_looks_at_a_number_cannot_be_followed() -> None:
    (phase,) = TOY.phases(TOY.configure({}, SEGMENTS))

    def look(*arguments: Any) -> Objective:
        objective = phase.loss(*arguments)
        assert objective.total().item() >= 0
        return objective

    looking: Family[Any] = replace(TOY, phases=lambda config: (replace(phase, loss=look),))
    with pytest.raises(UntraceableError, match=TOY.name):
        trace_flow(looking)


@pytest.mark.parametrize("name", list(families()))
def test_every_game_has_players_that_are_fed_and_learn(name: str) -> None:
    family = families()[name]
    flow = trace_flow(family)
    trained = {one for move in flow.moves for one in move.trains}
    assert {player.name for player in flow.players} == trained
    assert all(player.feeds and player.weights for player in flow.players)
    assert set(family.generators) >= set(flow.drawing)
    assert flow.drawn_by <= {*family.generators, NOISE, LABEL}
    takes_labels = any(LABEL in feed for feeds in flow.drawing.values() for feed in feeds)
    assert takes_labels == (family.conditioning is Conditioning.LABEL)


def test_phases_are_moves_in_their_order() -> None:
    for family in families().values():
        config = family.configure(family.preset(family.default_preset).hyperparameters.model_dump(), MNIST)
        names = [phase.name for phase in family.phases(config)]
        assert [move.name for move in trace_flow(family).moves] == names
