"""How the pictures of a training grew: as a list of grids, or as a film."""

from functools import partial
from typing import Annotated

import av
import PIL
from fastapi import APIRouter, Query, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from app.caching import REVALIDATE, answer, entity_tag
from app.dependencies import Given
from app.openapi import UNCHANGED, refuses
from app.pictures.drawing import answer_drawn, draw_once
from app.pictures.films import MOST_FRAMES_PER_SECOND, FilmFormat
from app.pictures.timelapse import FilmSettings, count_pixels, find_grids, make_film
from app.refusals import BusyError, NoSamplesError, ParameterError
from app.schemas import Document, Frame, Timelapse

router = APIRouter(tags=["jobs"])

TIMELAPSE = "/jobs/{job_id}/timelapse"

TIMELAPSE_VERSION = 1
"""Grows whenever the same grids begin to give another film."""


class TimelapseQuery(Document):
    """As what to answer; what follows the format concerns films alone."""

    model_config = ConfigDict(extra="forbid")

    format: FilmFormat | None = Field(None, description="a film; without it, a list of the grids")
    frames_per_second: float = Field(
        8, ge=0.5, le=MOST_FRAMES_PER_SECOND, allow_inf_nan=False, description="speed of the film"
    )
    scale: int = Field(2, ge=1, le=4, description="each pixel becomes a square of so many")
    most_frames: int = Field(
        120, ge=2, le=240, description="of more grids, so many are shown, spread evenly: the first and the last too"
    )


@router.get(
    TIMELAPSE,
    operation_id="get_timelapse",
    response_model=Timelapse,
    responses={
        200: {
            "description": "The grids in the order of their steps, or a film of them",
            "content": {one.media_type: {"schema": {"type": "string", "format": "binary"}} for one in FilmFormat},
        },
        **UNCHANGED,
        **refuses(404, 422, 503),
    },
)
def get_timelapse(job_id: str, query: Annotated[TimelapseQuery, Query()], request: Request, given: Given) -> Response:
    """Show the sample grids of a job, all of the same noise, from the first to the last that there is.

    In a film, a bar below the grid tells how far the training is.
    """
    job = given.jobs.get(job_id)
    grids = find_grids(given.events, job.id, given.settings.samples(job.id))
    if query.format is None:
        frames = [Frame.of(job.id, grid.step) for grid in grids]
        document = Timelapse(job_id=job.id, total_steps=job.total_steps, frames=frames).model_dump_json()
        return answer(request, document, "application/json", caching=REVALIDATE)
    if not grids:
        raise NoSamplesError(job.id)
    settings = FilmSettings(query.format, query.frames_per_second, query.scale, query.most_frames)
    code = (str(TIMELAPSE_VERSION), av.__version__, PIL.__version__)
    headers = {"ETag": entity_tag(job.id, str([one.step for one in grids]), repr(settings), *code)}
    headers |= {"Cache-Control": REVALIDATE}
    headers["Content-Disposition"] = f'inline; filename="{job.family}-{job.id}.{query.format}"'

    def make() -> bytes:
        try:
            _check_size(count_pixels(grids, settings), given.settings.max_pixels)
            return make_film(grids, settings, job.total_steps)
        except FileNotFoundError:  # removed since they were found
            if not find_grids(given.events, job.id, given.settings.samples(job.id)):
                raise NoSamplesError(job.id) from None
            raise BusyError("a grid was removed while the film was made of it") from None

    def draw() -> bytes:
        key = headers["ETag"]
        kept, work = given.films.find(key), partial(given.films.make, key, make)
        return draw_once(given, kept, work, route=TIMELAPSE, family=job.family)

    show = partial(Response, media_type=query.format.media_type)
    return answer_drawn(request, given, headers, route=TIMELAPSE, draw=draw, show=show)


def _check_size(pixels: int, most: int) -> None:
    if pixels > most:
        detail = f"all frames together are {pixels} pixels; at most {most} are drawn: ask for a smaller scale, or fewer"
        raise ParameterError("scale", f"{detail} frames by most_frames")
