"""Pictures: GET /generate."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.dependencies import Given, Services, TakesEachOnce
from app.openapi import UNCHANGED, draws, refuses
from app.pictures.catalogue import read_again
from app.pictures.drawing import GENERATE, answer_drawn, headers_of, limits, render
from app.pictures.inference import Picture
from app.pictures.recipes import GenerateQuery, complete
from models import CONFIDENCE

router = APIRouter(tags=["pictures"])


@router.get(
    GENERATE,
    operation_id="generate",
    response_class=Response,
    dependencies=[TakesEachOnce],
    responses={
        **draws(
            "A grid of pictures",
            ETag="a function of all that the bytes depend on",
            Content_Location="the URL that repeats this grid, unless it is the one that was asked for",
            X_Ganery_Seed="the seed, drawn where none was given",
            X_Ganery_Checkpoint="the id of the checkpoint",
            X_Ganery_Candidates="how many pictures were drawn to choose from",
            X_Ganery_Threshold="with nice=true, by top: the lowest score that was kept",
            X_Ganery_Accepted_Share="by drs: the share that was accepted, in [0, 1]; the others are their runs' best",
            X_Ganery_Score="with index: how real the picture looks to the discriminator, where the family has a score",
            X_Ganery_Selected_By="where the network takes no labels: the classifier that found the class",
        ),
        **UNCHANGED,
        **refuses(404, 422, 503),
    },
)
def generate(query: Annotated[GenerateQuery, Query()], request: Request, given: Given) -> Response:
    """Draw a grid of pictures from a checkpoint, row by row.

    The same URL, with a seed and the id of a checkpoint, gives the same bytes from one version of Ganery and torch;
    another version may round otherwise.
    """
    return read_again(lambda: _answer(query, request, given))


def _answer(query: GenerateQuery, request: Request, given: Services) -> Response:
    recipe = complete(query, given.catalogue, limits(given))
    tag = given.engine.tag(recipe)
    headers = headers_of(query, recipe, tag)
    return answer_drawn(
        request,
        given,
        headers,
        route=GENERATE,
        draw=lambda: render(recipe, tag, given, route=GENERATE),
        show=lambda picture: Response(picture.png, headers=_chosen(picture), media_type="image/png"),
    )


def _chosen(picture: Picture) -> dict[str, str]:
    """Return the headers that tell how the pictures were chosen."""
    headers = {"X-Ganery-Candidates": str(picture.candidates)}
    if picture.threshold is not None:
        headers["X-Ganery-Threshold"] = f"{picture.threshold:.6g}"
    if picture.accepted_share is not None:
        headers["X-Ganery-Accepted-Share"] = f"{picture.accepted_share:.6g}"
    if picture.score is not None:
        headers["X-Ganery-Score"] = f"{picture.score:.6g}"
    if picture.chosen_by is not None:
        headers["X-Ganery-Selected-By"] = f"{picture.chosen_by.name}; confidence={CONFIDENCE}"
    return headers
