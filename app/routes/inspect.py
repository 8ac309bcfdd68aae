"""One picture looked at closely: GET /inspect, GET /neighbours."""

from enum import StrEnum
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from app.dependencies import Given, Services, TakesEachOnce
from app.openapi import UNCHANGED, draws, refuses, tells
from app.pictures.catalogue import read_again
from app.pictures.close_look import Inspection, Neighbours
from app.pictures.close_look_schemas import InspectionView, NeighboursView
from app.pictures.drawing import answer_drawn, draw_once, headers_of, limits
from app.pictures.recipes import MOST_PICTURES, GenerateQuery, complete, require_pixels
from models import encode_png, lay_out

router = APIRouter(tags=["pictures"])

INSPECT, NEIGHBOURS = "/inspect", "/neighbours"

_HEADERS = {
    "ETag": "a function of all that the answer depends on",
    "Content_Location": "the URL that repeats the picture, unless it is the one that was asked for",
    "X_Ganery_Seed": "the seed, drawn where none was given",
    "X_Ganery_Checkpoint": "the id of the checkpoint",
}


class NeighboursFormat(StrEnum):
    """How neighbours are told."""

    JSON = "json"
    STRIP = "strip"


class InspectQuery(GenerateQuery):
    """The parameters of GET /generate, and which picture of the grid is meant."""

    index: int = Field(ge=0, lt=MOST_PICTURES, description="the picture of the grid, from 0")


class NeighboursQuery(InspectQuery):
    """Which picture, how many neighbours, and in which form."""

    neighbours: int = Field(8, ge=1, le=50, description="training pictures")
    format: NeighboursFormat = Field(
        NeighboursFormat.JSON, description="JSON, or a PNG with the pictures, all in a row or in `columns`"
    )


@router.get(
    INSPECT,
    operation_id="inspect",
    response_model=InspectionView,
    dependencies=[TakesEachOnce],
    responses={200: {"headers": tells(**_HEADERS)}, **UNCHANGED, **refuses(404, 422, 503)},
)
def inspect(query: Annotated[InspectQuery, Query()], request: Request, given: Given) -> Response:
    """Tell all about one picture of a grid: its recipe, its score, and what a judge takes it for."""
    return read_again(lambda: _inspect(query, request, given))


def _inspect(query: InspectQuery, request: Request, given: Services) -> Response:
    recipe = complete(query, given.catalogue, limits(given))
    tag = given.inspector.tag(recipe)
    headers = headers_of(query, recipe, tag, INSPECT)

    def draw() -> Inspection:
        kept = given.inspector.inspected(tag)
        make = partial(given.inspector.inspect, recipe, tag)
        return draw_once(given, kept, make, route=INSPECT, family=recipe.checkpoint.family)

    def show(found: Inspection) -> Response:
        return Response(InspectionView.of(found, recipe).model_dump_json(), media_type="application/json")

    return answer_drawn(request, given, headers, route=INSPECT, draw=draw, show=show)


@router.get(
    NEIGHBOURS,
    operation_id="find_neighbours",
    response_model=NeighboursView,
    dependencies=[TakesEachOnce],
    responses={
        200: {
            "headers": tells(**_HEADERS),
            "content": draws("")[200]["content"],
        },
        **UNCHANGED,
        **refuses(404, 422, 503),
    },
)
def find_neighbours(query: Annotated[NeighboursQuery, Query()], request: Request, given: Given) -> Response:
    """Find the training pictures most like one picture of a grid, to see whether it was learnt by heart.

    Those nearest in pixels are ordered by the judge's features, which tell the form of a digit more than its place.
    Nothing is fetched for it: the data set must be on the machine, as it is where a training used it.
    """
    return read_again(lambda: _find_neighbours(query, request, given))


def _find_neighbours(query: NeighboursQuery, request: Request, given: Services) -> Response:
    recipe = complete(query, given.catalogue, limits(given))
    asked = ("neighbours", str(query.neighbours))
    tag = given.inspector.tag(recipe, *asked, query.format)
    headers = headers_of(query, recipe, tag, NEIGHBOURS)
    columns = min(query.columns or query.neighbours, query.neighbours)
    if query.format is NeighboursFormat.STRIP:
        side = recipe.dataset.size
        require_pixels(query.neighbours, columns, side=side, scale=recipe.scale, limits=limits(given))

    def draw() -> Neighbours:
        of_both_forms = given.inspector.tag(recipe, *asked)
        kept = given.inspector.compared(of_both_forms)
        make = partial(given.inspector.neighbours, recipe, of_both_forms, count=query.neighbours)
        return draw_once(given, kept, make, route=NEIGHBOURS, family=recipe.checkpoint.family)

    def show(found: Neighbours) -> Response:
        if query.format is NeighboursFormat.STRIP:
            with given.engine.turns.taken():
                png = encode_png(lay_out(found.pixels, columns=columns, scale=recipe.scale))
            return Response(png, media_type="image/png")
        return Response(NeighboursView.of(found, recipe).model_dump_json(), media_type="application/json")

    return answer_drawn(request, given, headers, route=NEIGHBOURS, draw=draw, show=show)
