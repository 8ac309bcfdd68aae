"""The latents behind the pictures: GET /latent/..., and POST /latent/project."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.caching import REVALIDATE, cache_headers
from app.dependencies import PNG, PNG_BODY, Given, Services, TakesEachOnce
from app.latent.answers import Answer
from app.latent.queries import (
    PICTURE_PATH,
    ArithmeticQuery,
    LatentQuery,
    LatentRecipe,
    MatrixQuery,
    PictureQuery,
    ProjectQuery,
    SweepQuery,
    VariationsQuery,
    WalkFormat,
    WalkQuery,
    complete_latent,
)
from app.openapi import UNCHANGED, draws, refuses, tells
from app.pictures.catalogue import read_again
from app.pictures.drawing import answer_drawn, draw_once, limits
from app.pictures.recipes import CheckpointQuery, choose_checkpoint, find_parts
from app.pictures.uploads import read_drawing
from app.schemas import Directions, DirectionView, Projection, Variations
from models import PICTURES_MEASURED, Direction

router = APIRouter(tags=["latents"])

DIRECTIONS, PROJECT = "/latent/directions", "/latent/project"

_HEADERS = {
    "ETag": "a function of all that the bytes depend on",
    "Content_Location": "the URL that repeats this answer, unless it is the one that was asked for",
    "X_Ganery_Checkpoint": "the id of the checkpoint",
    "X_Ganery_Pictures": "how many pictures it shows",
}
_REFUSES = {**UNCHANGED, **refuses(404, 422, 503)}


def _sends(description: str, **schemas: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of an answer that is a picture, or one of other types by their names."""
    told = draws(description, **_HEADERS)
    told[200]["content"] |= {kind: {"schema": schema} for kind, schema in schemas.items()}
    return {**told, **_REFUSES}


_FILE = {"type": "string", "format": "binary"}
_OTHER_WALKS = {kind.media_type: _FILE for kind in WalkFormat if kind is not WalkFormat.STRIP}


@router.get(
    PICTURE_PATH,
    operation_id="draw_latent",
    response_class=Response,
    dependencies=[TakesEachOnce],
    responses=_sends("A picture"),
)
def draw_latent(query: Annotated[PictureQuery, Query()], request: Request, given: Given) -> Response:
    """Draw the picture of one latent, named by a seed and a number under it, or by its address."""
    return _answer(PICTURE_PATH, query, request, given)


@router.get(
    "/latent/variations",
    operation_id="vary_latent",
    response_class=Response,
    dependencies=[TakesEachOnce],
    responses=_sends("Pictures around one", **{"application/json": Variations.model_json_schema()}),
)
def vary_latent(query: Annotated[VariationsQuery, Query()], request: Request, given: Given) -> Response:
    """Draw pictures around one: its latent mixed with others, `spread` of them, so that all are as likely as it."""
    return _answer("/latent/variations", query, request, given)


@router.get(
    "/latent/walk",
    operation_id="walk_latents",
    response_class=Response,
    dependencies=[TakesEachOnce],
    responses=_sends("The pictures of a walk", **_OTHER_WALKS),
)
def walk_latents(query: Annotated[WalkQuery, Query()], request: Request, given: Given) -> Response:
    """Walk from one latent to another, and from one class to another, as a strip, a film or a zip of its pictures.

    The walk goes along a great circle, on which every latent is as likely as those that the network learnt from.
    Between classes the labels are mixed where the network embeds them; where it does not, the class changes halfway.
    """
    return _answer("/latent/walk", query, request, given)


@router.get(
    "/latent/sweep",
    operation_id="sweep_latent",
    response_class=Response,
    dependencies=[TakesEachOnce],
    responses=_sends("A row for each picture, a column for each value"),
)
def sweep_latent(query: Annotated[SweepQuery, Query()], request: Request, given: Given) -> Response:
    """Change one thing evenly and leave the rest of the noise as it is: a direction, a coordinate or a control.

    A direction is found by measuring pictures when it is first asked for, which takes some seconds.
    """
    return _answer("/latent/sweep", query, request, given)


@router.get(
    "/latent/matrix",
    operation_id="cross_classes",
    response_class=Response,
    dependencies=[TakesEachOnce],
    responses=_sends("A row for each noise, a column for each class"),
)
def cross_classes(query: Annotated[MatrixQuery, Query()], request: Request, given: Given) -> Response:
    """Draw every class by the same noise: what a row has in common is what the latent says beside the class.

    Of a family that found its classes itself, as InfoGAN does, the columns are its codes.
    """
    return _answer("/latent/matrix", query, request, given)


@router.get(
    "/latent/arithmetic",
    operation_id="combine_latents",
    response_class=Response,
    dependencies=[TakesEachOnce],
    responses=_sends("Four pictures: a, b, c, and a - b + c"),
)
def combine_latents(query: Annotated[ArithmeticQuery, Query()], request: Request, given: Given) -> Response:
    """Reckon with pictures: what b is to a, c is to the fourth. Latents are combined, and classes as they are."""
    return _answer("/latent/arithmetic", query, request, given)


@router.get(
    DIRECTIONS,
    operation_id="list_directions",
    response_model=Directions,
    dependencies=[TakesEachOnce],
    responses={
        200: {"headers": tells(ETag="a function of all that the answer depends on")},
        **_REFUSES,
    },
)
def list_directions(query: Annotated[CheckpointQuery, Query()], request: Request, given: Given) -> Response:
    """List the directions that GET /latent/sweep can go in, with what they explain and what a step changes.

    Slant, thickness and size are measured on some thousand pictures and regressed on their latents; components are the
    ways in which the pictures vary most. The first answer takes some seconds; then it is kept.
    """
    return read_again(lambda: _list_directions(query, request, given))


def _list_directions(query: CheckpointQuery, request: Request, given: Services) -> Response:
    checkpoint = choose_checkpoint(query, given.catalogue)
    find_parts(checkpoint)
    tag = given.latents.tag(DIRECTIONS, checkpoint)
    headers = {"ETag": tag, "Cache-Control": REVALIDATE}

    def draw() -> Sequence[Direction]:
        kept, make = given.latents.known_directions(checkpoint), partial(given.latents.directions, checkpoint)
        return draw_once(given, kept, make, route=DIRECTIONS, family=checkpoint.family)

    def show(found: Sequence[Direction]) -> Response:
        document = Directions(
            checkpoint=checkpoint.id,
            dimensions=len(found[0].vector) if found else 0,
            pictures=PICTURES_MEASURED,
            items=[DirectionView.of(direction) for direction in found],
        )
        return Response(document.model_dump_json(), media_type="application/json")

    return answer_drawn(request, given, headers, route=DIRECTIONS, draw=draw, show=show)


@router.post(
    PROJECT,
    operation_id="project_picture",
    openapi_extra=PNG_BODY,
    dependencies=[TakesEachOnce],
    responses=refuses(404, 413, 415, 422, 503),
)
def project_picture(query: Annotated[ProjectQuery, Query()], picture: PNG, given: Given) -> Projection:
    """Find the latents whose pictures are most like a given one, as by strokes that somebody drew.

    The body is a PNG like those of the data set: for MNIST white on black, and brought to its size; one of a single
    colour is refused. Many latents are drawn, and the best moved until pixels and a classifier's features agree. Each
    is told by an address, which GET /latent/walk and the others take where they take a seed. The `url` of each
    draws it again; the search itself has no URL, since what is sent is not kept: send the picture again to repeat it.
    """

    def find() -> Projection:
        recipe = complete_latent(PROJECT, query, given.catalogue, limits(given))
        read = read_drawing(picture, recipe.dataset, centre=query.centre)
        with given.metrics.drawn(PROJECT, recipe.checkpoint.family):
            return given.latents.project(recipe, read)

    return read_again(find)


def _answer(path: str, query: LatentQuery, request: Request, given: Services) -> Response:
    """Answer with what is drawn of the complete request, or tell a client that it has it."""
    return read_again(lambda: _answer_once(path, query, request, given))


def _answer_once(path: str, query: LatentQuery, request: Request, given: Services) -> Response:
    recipe = complete_latent(path, query, given.catalogue, limits(given))
    tag = given.latents.tag(recipe.url, recipe.checkpoint)
    kept = cache_headers(
        recipe.url, is_pinned=recipe.is_pinned, is_drawn=recipe.is_drawn, is_promised=not recipe.query.is_told
    )
    headers = {"ETag": tag, "X-Ganery-Checkpoint": recipe.checkpoint.id, **kept}

    def show(answer: Answer) -> Response:
        told = {"X-Ganery-Pictures": str(answer.pictures)}
        return Response(answer.content, headers=told, media_type=answer.media_type)

    draw = partial(render_latents, recipe, tag, given, route=path)
    return answer_drawn(request, given, headers, route=path, draw=draw, show=show)


def render_latents(recipe: LatentRecipe[Any], tag: str, given: Services, *, route: str) -> Answer:
    """Return the answer of this entity tag, from memory where it is there. Raises what `Latents.answer` raises."""
    make = partial(given.latents.answer, recipe, tag)
    return draw_once(given, given.latents.cached(tag), make, route=route, family=recipe.checkpoint.family)
