"""What a client may ask to be studied, and the same as trainings: which ones a study takes is a function of its seed.

After Lucic et al. 2018 (https://arxiv.org/abs/1711.10337): families by random hyperparameters by seeds, all at one
budget of pictures.
"""

import secrets
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from models import (
    Family,
    Range,
    UnknownFamilyError,
    UnknownPresetError,
    Value,
    derive_seed,
    draw_hyperparameters,
    find_family,
)
from store.faults import RULE
from store.jobs import JobRequest
from store.requests import (
    DEFAULT_DATASET,
    DRAWN_SEEDS,
    LARGEST_SEED,
    Problem,
    RequestError,
    TrainRequest,
    complete,
)
from store.retention import Keep

MOST_TRAININGS = 500
"""Trainings of one study."""

DEFAULT_IMAGES = 60_000
DEFAULT_PRIORITY = -10
"""Below the usual 0: whoever asks for one training need not wait for a study."""

COMPARABLE = "neutral"
"""The preset that a family alone stands for, where it has one: equal networks, so that the loss is what differs."""

_KEEP = Keep(best=True, last=1, every=None)
"""Checkpoints of a trial: hundreds of trainings would fill the disk."""


Search = dict[str, dict[str, Annotated[Range, Field(discriminator="kind")]]]
"""By family, from what its hyperparameters are drawn."""

_SEARCHES: TypeAdapter[Search] = TypeAdapter(Search)


class StudyWish(BaseModel):
    """A wish for a study; what is left out takes its default, but the families."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"families": ["gan", "wgan"], "trials": 5}]},
    )

    families: list[str] = Field(
        min_length=1, max_length=100, description="each as family or family:preset; a family alone means its `neutral`"
    )
    name: str | None = Field(
        None,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff]*$",
        description="what people shall call the study",
        json_schema_extra={RULE: "a text of at most 200 characters, none of them for control"},
    )
    dataset: str = Field(DEFAULT_DATASET, max_length=100, description="the data set to train on")
    trials: int = Field(10, ge=1, le=MOST_TRAININGS, description="random draws of hyperparameters of each family")
    seeds: int = Field(1, ge=1, le=MOST_TRAININGS, description="trainings with each draw")
    images: int = Field(DEFAULT_IMAGES, ge=1, le=10**9, description="pictures that each discriminator is to see")
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED, description="of all draws; drawn where left out")
    priority: int = Field(DEFAULT_PRIORITY, ge=-1000, le=1000, description="of the jobs; 0 is usual")
    search: dict[str, dict[str, dict[str, Any]]] | None = Field(
        None,
        max_length=100,
        description="what a study answers as its `search`, to ask for the same again; refused where this version draws "
        "otherwise",
    )


class StudyRequest(BaseModel):
    """What a study was asked to do, with every default filled in. It never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    families: tuple[str, ...] = Field(description="each as family:preset")
    search: Search = Field(
        description="what was drawn from which range, by family; where nothing is, the seed alone varies"
    )
    dataset: str
    trials: int
    seeds: int
    images: int
    seed: int
    priority: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One training of a study. number: of the draw, from 0."""

    number: int
    request: JobRequest
    total_steps: int

    @property
    def contestant(self) -> str:
        """The family and the preset."""
        return f"{self.request.family}:{self.request.preset}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A study made complete: its trainings in the order of their queue, which is the draws' and not the families'.

    So a study that is cut short has trained about as much of each family.
    """

    name: str | None
    request: StudyRequest
    trials: Sequence[Trial]


def count_trainings(wish: StudyWish) -> int:
    """Return how many trainings a wish asks for. Raises RequestError for what is told at a glance."""
    _require_same_search(wish, _find_all(wish.families))
    _require_few(wish)
    return len(wish.families) * wish.trials * wish.seeds


def plan_study(wish: StudyWish) -> Plan:
    """Fill in a wish and list its trainings, which takes a while for hundreds.

    Raises RequestError, which names everything that is wrong.
    """
    contestants = _find_all(wish.families)
    _require_same_search(wish, contestants)
    _require_few(wish)
    request = StudyRequest(
        families=tuple(f"{family.name}:{preset}" for family, preset in contestants),
        search={family.name: dict(family.search) for family, _ in contestants},
        dataset=wish.dataset,
        trials=wish.trials,
        seeds=wish.seeds,
        images=wish.images,
        seed=secrets.randbelow(DRAWN_SEEDS) if wish.seed is None else wish.seed,
        priority=wish.priority,
    )
    return Plan(wish.name, request, tuple(_list_trials(request, contestants)))


def draw(study: StudyRequest, family: Family[Any], number: int) -> dict[str, Value]:
    """Return the hyperparameters of a draw: a function of the study's seed, the family and the number."""
    return draw_hyperparameters(family.search, seed=study.seed, family=family.name, trial=number)


def varied(study: StudyRequest, job: JobRequest) -> dict[str, Any]:
    """Return those of a trial's hyperparameters that were drawn."""
    return {name: job.hyperparameters[name] for name in study.search[job.family]}


def training_seed(study: StudyRequest, number: int, repeat: int) -> int:
    """Return the seed of a training, which all families share: they see the same batches in the same order."""
    return derive_seed("study", study.seed, number, repeat) % DRAWN_SEEDS


def _list_trials(study: StudyRequest, contestants: Sequence[tuple[Family[Any], str]]) -> Iterator[Trial]:
    buildable: set[Hashable] = set()
    for number in range(study.trials):
        completed = [_complete(study, family, preset, number, buildable) for family, preset in contestants]
        for repeat in range(study.seeds):
            seed = {"seed": training_seed(study, number, repeat)}
            for request, steps in completed:
                yield Trial(number, request.model_copy(update=seed), steps)


def _complete(
    study: StudyRequest, family: Family[Any], preset: str, number: int, buildable: set[Hashable]
) -> tuple[JobRequest, int]:
    wish = TrainRequest(
        family=family.name,
        preset=preset,
        dataset=study.dataset,
        seed=0,
        images=study.images,
        hyperparameters=draw(study, family, number),
        keep=_KEEP,
    )
    return complete(wish, buildable=buildable)


def _find_all(names: Sequence[str]) -> list[tuple[Family[Any], str]]:
    """Return the families and presets of these names. Raises RequestError."""
    found: dict[tuple[str, str], Family[Any]] = {}
    problems = []
    for place, name in enumerate(names):
        try:
            family, preset = _find(name)
        except (UnknownFamilyError, UnknownPresetError) as error:
            problems.append(Problem(("families", place), str(error)))
            continue
        if (family.name, preset) in found:
            problems.append(Problem(("families", place), f"{family.name}:{preset} is there twice; name each once"))
        found[family.name, preset] = family
    if problems:
        raise RequestError(tuple(problems))
    return [(family, preset) for (_, preset), family in found.items()]


def _find(name: str) -> tuple[Family[Any], str]:
    before, _, preset = name.partition(":")
    family = find_family(before)
    chosen = preset or (COMPARABLE if COMPARABLE in family.presets else family.default_preset)
    family.preset(chosen)
    return family, chosen


def _require_same_search(wish: StudyWish, contestants: Sequence[tuple[Family[Any], str]]) -> None:
    """Raise RequestError where the wish has another search than this version's."""
    ours = _SEARCHES.dump_python({family.name: dict(family.search) for family, _ in contestants}, mode="json")
    given = ours if wish.search is None else wish.search
    differing = [name for name in {**ours, **given} if ours.get(name) != given.get(name)]
    if differing:
        detail = (
            f"this version draws otherwise for {', '.join(differing)}: leave it out, and see `search` of GET /families"
        )
        raise RequestError((Problem(("search",), detail),))


def _require_few(wish: StudyWish) -> None:
    count = len(wish.families) * wish.trials * wish.seeds
    if count > MOST_TRAININGS:
        detail = (
            f"{len(wish.families)} families by {wish.trials} draws by {wish.seeds} seeds are {count} trainings; "
            f"a study has at most {MOST_TRAININGS}"
        )
        raise RequestError((Problem(("trials",), detail),))
