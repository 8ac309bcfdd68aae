"""The page that asks for a training: the form of a family, and the queue."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.dependencies import Given, Services
from app.pictures.previews import COLUMNS, ROWS
from app.web.job_rows import Jobs, read_jobs
from app.web.pages import render
from app.web.train_form import TrainForm
from checkpoints.library import has_judge
from models import DATASETS, DatasetSpec, Family, families

router = APIRouter()

_NOT_SHOWN = "nonce"


@dataclass(frozen=True, slots=True)
class Preview:
    """Training pictures of the chosen data set. is_here: whether they can be shown."""

    dataset: DatasetSpec
    is_here: bool

    @property
    def width(self) -> int:
        """In pixels."""
        return COLUMNS * self.dataset.size

    @property
    def height(self) -> int:
        """In pixels."""
        return min(ROWS, len(self.dataset.classes)) * self.dataset.size


@dataclass(frozen=True, slots=True)
class PlanView:
    """What would be trained, in numbers. networks: numbers of parameters by the networks' names."""

    steps: int
    images: int
    batch_size: int
    samples: int
    checkpoints: int
    judgements: int
    networks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TrainPage:
    """What the template is told. nonce: by which a form that is sent twice queues one job. refusal: of the queue."""

    form: TrainForm
    nonce: str
    families: Sequence[Family[Any]]
    datasets: Sequence[DatasetSpec]
    preview: Preview | None
    plan: PlanView | None
    jobs: Jobs
    refusal: str | None = None


@router.get("/train", include_in_schema=False)
def show_train(request: Request, given: Given) -> Response:
    """Show the form, filled in with what the URL says, and the queue."""
    form = TrainForm({name: text for name, text in request.query_params.items() if name != _NOT_SHOWN})
    return render(request, "train", describe(form, given))


def describe(form: TrainForm, given: Services, refusal: str | None = None) -> TrainPage:
    """Return what the template is told of a form."""
    dataset = DATASETS.get(form.dataset)
    return TrainPage(
        form=form,
        nonce=secrets.token_hex(8),
        families=list(families().values()),
        datasets=list(DATASETS.values()),
        preview=None if dataset is None else Preview(dataset, given.previews.is_here(dataset.name)),
        plan=_plan(form, given),
        jobs=read_jobs(given),
        refusal=refusal,
    )


def _plan(form: TrainForm, given: Services) -> PlanView | None:
    if form.plan is None:
        return None
    request, steps = form.plan
    networks = given.networks.outline(request.family, request.hyperparameters, request.dataset)
    every = request.quality_interval
    return PlanView(
        steps=steps,
        images=request.images,
        batch_size=request.batch_size,
        samples=2 + (steps - 1) // request.sample_interval,
        checkpoints=1 + (steps - 1) // request.checkpoint_interval,
        judgements=0 if every is None or not has_judge(request.dataset) else 1 + (steps - 1) // every,
        networks={network.name: network.parameters for network in networks if network.parameters},
    )
