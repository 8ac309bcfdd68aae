"""What a PNG of ours says of itself, and whether it is true."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from fastapi import APIRouter

from app.dependencies import PNG, PNG_BODY, Given, Services
from app.latent.queries import DrawnQuery, complete_latent
from app.openapi import refuses
from app.pictures.catalogue import KnownCheckpoint, read_again
from app.pictures.comparison import CLOSE, Comparison, Verdict, compare
from app.pictures.drawing import limits, render
from app.pictures.provenance import DEVICE_CLASS
from app.pictures.recall import ToldRecipe, read_recipe
from app.pictures.recipes import complete
from app.pictures.schemas import RecallView, VerificationView, page_of, parameters_of
from app.refusals import NoRecipeError, NoSuchCheckpointError, OtherWeightsError, ParameterError
from app.routes.latent import render_latents
from app.routes.pages.explore import page_of_latents
from checkpoints.format import CheckpointError
from models import ControlError

router = APIRouter(tags=["pictures"])

RECALL, VERIFY = "/recall", "/verify"
PATHS = (RECALL, VERIFY)
"""Those that take whole PNG files, which may be larger than other bodies."""


@router.post(RECALL, operation_id="recall", openapi_extra=PNG_BODY, responses=refuses(413, 415, 422, 503))
def recall(png: PNG, given: Given) -> RecallView:
    """Tell the recipe that a PNG holds. Nothing is drawn.

    The body is a PNG as GET /generate or GET /latent/... answers it, saved without changes: most programs that edit
    pictures drop its text. GIF and WebM films hold no recipe.
    """
    told = read_recipe(png)
    return RecallView(
        url=told.url,
        path=told.path,
        page=_page(told),
        parameters=parameters_of(told.url),
        recipe=told.told,
        checkpoint=told.checkpoint_id,
        available=_is_available(told, given),
        kept=_kept(png, given),
    )


@router.post(VERIFY, operation_id="verify", openapi_extra=PNG_BODY, responses=refuses(404, 409, 413, 415, 422, 503))
def verify(png: PNG, given: Given) -> VerificationView:
    """Draw a PNG again by the recipe that it holds, and tell whether both are the same.

    A picture that POST /latent/project found is drawn again from its latent; what was looked for is not told in it.

    It is refused where the checkpoint is not here (404), or has other weights than those that drew it (409).
    """
    told = read_recipe(png)
    return read_again(lambda: _verify(png, told, given))


def _verify(png: bytes, told: ToldRecipe, given: Services) -> VerificationView:
    try:
        redrawing = _complete(told, given)
        if told.digest is not None and told.digest != redrawing.checkpoint.digest:
            raise OtherWeightsError(told.checkpoint_id, told.digest, redrawing.checkpoint.digest)
        expected = redrawing.draw()
    except (ParameterError, ControlError) as error:
        raise NoRecipeError(f"its recipe is none of this service ({error})") from error
    with given.engine.turns.taken():
        found = compare(png, expected)
    return VerificationView(
        verdict=found.verdict,
        reasons=list(_reasons(found, told, given)),
        same_bytes=found.same_bytes,
        pixels=found.pixels,
        differing_pixels=found.differing,
        largest_difference=found.largest,
        url=redrawing.url,
        checkpoint=redrawing.checkpoint.id,
        kept=_kept(png, given),
    )


@dataclass(frozen=True, slots=True)
class _Redrawing:
    """What a recipe would draw here."""

    url: str
    checkpoint: KnownCheckpoint
    draw: Callable[[], bytes]


def _complete(told: ToldRecipe, given: Services) -> _Redrawing:
    """Make a recipe complete. Raises what `complete` and `complete_latent` raise."""
    if isinstance(told.query, DrawnQuery):
        of_latents = complete_latent(told.path, told.query, given.catalogue, limits(given))
        tag = given.latents.tag(of_latents.url, of_latents.checkpoint)
        return _Redrawing(
            of_latents.url, of_latents.checkpoint, lambda: render_latents(of_latents, tag, given, route=VERIFY).content
        )
    recipe = complete(told.query, given.catalogue, limits(given))
    return _Redrawing(
        recipe.url, recipe.checkpoint, lambda: render(recipe, given.engine.tag(recipe), given, route=VERIFY).png
    )


def _page(told: ToldRecipe) -> str:
    return page_of_latents(told.path, told.query) if isinstance(told.query, DrawnQuery) else page_of(told.url)


def _is_available(told: ToldRecipe, given: Services) -> bool:
    try:
        return given.catalogue.resolve(told.checkpoint_id).digest == told.digest
    except (CheckpointError, NoSuchCheckpointError):
        return False


def _kept(png: bytes, given: Services) -> str | None:
    kept = given.pictures.find_file(sha256(png).hexdigest())
    return None if kept is None else kept.id


def _reasons(found: Comparison, told: ToldRecipe, given: Services) -> Iterator[str]:
    """Yield why the verdict is as it is, in plain words."""
    if found.same_bytes:
        yield "Every byte is what this service draws from the recipe."
        return
    if found.pixels is None:
        (came_w, came_h), (w, h) = found.size, found.expected_size
        yield f"The file is {came_w} x {came_h} pixels, and its recipe draws {w} x {h}: it was cut or scaled."
    elif found.altering:
        what = " and ".join(found.altering)
        yield f"The file has {what}, which its recipe does not draw: it may look otherwise than its pixels are."
        if not found.differing:
            yield "Its pixels are those that this service draws; another program may have saved it."
        else:
            yield f"{found.differing} of {found.pixels} pixels differ, by at most {found.largest} of 255 levels."
        return
    elif found.verdict is Verdict.EQUAL:
        yield "Every pixel is what this service draws from the recipe; only the text around them differs."
    else:
        yield f"{found.differing} of {found.pixels} pixels differ, by at most {found.largest} of 255 levels."
    if found.verdict is Verdict.CLOSE:
        yield f"So little ({CLOSE} levels or fewer) comes of other rounding: another release, or another processor."
    yield from _other_makers(told, given)
    if found.verdict is Verdict.DIFFERENT and not list(_other_makers(told, given)):
        yield "The same version drew it on the same class of device, so the picture was changed, or its recipe was."


def _other_makers(told: ToldRecipe, given: Services) -> Iterator[str]:
    if told.version != given.engine.version:
        yield f"Ganery {told.version or 'of an unknown version'} drew it; this is {given.engine.version}."
    if told.device_class != DEVICE_CLASS:
        yield f"It was drawn on {told.device_class or 'an unknown device'}; this service draws on {DEVICE_CLASS}."
