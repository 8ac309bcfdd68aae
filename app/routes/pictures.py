"""The gallery: pictures that people kept."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from app.caching import IMMUTABLE, NEVER, entity_tag, is_current
from app.dependencies import Given, Services, TakesJson
from app.openapi import UNCHANGED, draws, refuses, tells
from app.pictures.archive import MEDIA_TYPE, Entry, stream_zip
from app.pictures.catalogue import read_again
from app.pictures.drawing import limits, render
from app.pictures.inference import Picture
from app.pictures.recipes import Limits, Recipe, complete
from app.pictures.schemas import (
    ChosenPictures,
    LinkedPictures,
    PictureChange,
    PictureId,
    PictureOrder,
    PicturesQuery,
    PictureView,
    PictureWish,
    TagView,
    wish_of,
)
from app.pictures.thumbnails import ENCODER, LARGEST, SMALLEST, USUAL
from app.pictures.uploads import MOST_PIXELS
from app.refusals import FieldError, ParameterError
from app.schemas import Document, Page
from models import ControlError
from store.errors import PictureNotFoundError
from store.pictures import KeptPicture, Marks, NewPicture

router = APIRouter(tags=["gallery"])

PICTURES = "/pictures"

MOST_BYTES = 2**28
"""Of the pictures in one zip file."""

_TAGS_SHOWN = 200
_NAME = "ganery-pictures.zip"

GivenId = Annotated[PictureId, Path(description="the id of a picture")]
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A zip file: the PNG files, and `manifest.json`, which tells what each is",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Manifest(Document):
    """What a zip file of pictures tells of them."""

    version: str
    pictures: Sequence["Described"]


class Described(PictureView):
    """A picture, and the file that it is in."""

    file: str


@router.post(
    PICTURES,
    operation_id="keep_picture",
    status_code=201,
    response_model=PictureView,
    dependencies=[TakesJson],
    responses={
        201: {"description": "Kept", "headers": tells(Location="the picture")},
        200: {"description": "It was kept before, and stays as it is", "model": PictureView},
        **refuses(400, 404, 413, 415, 422, 503, 507),
    },
)
def keep_picture(wish: PictureWish, given: Given, response: Response) -> PictureView:
    """Keep a picture: by its recipe, and by its bytes, which outlive the checkpoint.

    The same recipe is kept once, at scale 1 and with its text, however it was sent: `scale` and `metadata` count for
    nothing here. One that is in the trash comes back from there.
    """
    kept, is_new = read_again(lambda: keep(wish, given))
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/pictures/{kept.id}"
    return PictureView.of(kept)


@router.get("/pictures", operation_id="list_pictures", responses=refuses(422, 503))
def list_pictures(query: Annotated[PicturesQuery, Query()], given: Given) -> Page[PictureView]:
    """List pictures that were kept, or those in the trash."""
    page = given.pictures.list(
        wish_of(query),
        in_trash=query.trash,
        oldest_first=query.order is PictureOrder.OLDEST,
        limit=query.limit,
        cursor=query.cursor,
    )
    return Page(items=[PictureView.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/pictures/tags", operation_id="list_tags", responses=refuses(503))
def list_tags(given: Given) -> Page[TagView]:
    """List the two hundred most frequent tags."""
    return Page(items=[TagView.of(one) for one in given.pictures.tags(limit=_TAGS_SHOWN)], next_cursor=None)


@router.get(
    "/pictures/download",
    operation_id="download_linked_pictures",
    response_class=StreamingResponse,
    responses={**_ZIP, **refuses(404, 422, 503)},
)
def download_linked_pictures(query: Annotated[LinkedPictures, Query()], given: Given) -> Response:
    """Download pictures as a zip file, by a link or a form."""
    return _download(query.id, "id", given)


@router.post(
    "/pictures/download",
    operation_id="download_pictures",
    response_class=StreamingResponse,
    dependencies=[TakesJson],
    responses={**_ZIP, **refuses(400, 404, 413, 415, 422, 503)},
)
def download_pictures(chosen: ChosenPictures, given: Given) -> Response:
    """Download pictures as a zip file: more than a link can name."""
    return _download(chosen.ids, "ids", given)


@router.get("/pictures/{picture_id}", operation_id="get_picture", responses=refuses(404, 422, 503))
def get_picture(picture_id: GivenId, given: Given) -> PictureView:
    """Tell what a picture is, in the trash or not."""
    return PictureView.of(given.pictures.get(picture_id))


@router.get(
    "/pictures/{picture_id}/image",
    operation_id="get_picture_image",
    response_class=Response,
    responses={**draws("The PNG as it was kept", ETag="a digest of it"), **UNCHANGED, **refuses(404, 422, 503)},
)
def get_picture_image(picture_id: GivenId, request: Request, given: Given) -> Response:
    """Return the picture, to the last byte as it was when it was kept."""
    picture = given.pictures.get(picture_id)
    headers = {
        "ETag": f'"{picture.digest}"',
        "Cache-Control": IMMUTABLE,
        "Content-Disposition": f'inline; filename="{_file_name(picture)}"',
    }
    if is_current(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(given.pictures.read(picture), headers=headers, media_type="image/png")


@router.get(
    "/pictures/{picture_id}/thumbnail",
    operation_id="get_picture_thumbnail",
    response_class=Response,
    responses={**draws("A small PNG", ETag="of the picture and the size"), **UNCHANGED, **refuses(404, 422, 503)},
)
def get_picture_thumbnail(
    picture_id: GivenId,
    request: Request,
    given: Given,
    size: Annotated[
        int, Query(ge=SMALLEST, le=LARGEST, description="the longer side, at most; a smaller picture stays as it is")
    ] = USUAL,
) -> Response:
    """Return the picture made small, without its recipe."""
    picture = given.pictures.get(picture_id)
    headers = {"ETag": entity_tag(picture.digest, str(size), ENCODER), "Cache-Control": IMMUTABLE}
    if is_current(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    small = given.thumbnails.make(picture.digest, size, lambda: given.pictures.read(picture))
    return Response(small, headers=headers, media_type="image/png")


@router.patch(
    "/pictures/{picture_id}",
    operation_id="change_picture",
    dependencies=[TakesJson],
    responses=refuses(400, 404, 409, 413, 415, 422, 503),
)
def change_picture(picture_id: GivenId, change: PictureChange, given: Given) -> PictureView:
    """Change a picture's star, tags or note."""
    changed = given.pictures.change(picture_id, starred=change.starred, tags=change.tags, note=change.note)
    return PictureView.of(changed)


@router.delete("/pictures/{picture_id}", operation_id="delete_picture", responses=refuses(404, 422, 503))
def delete_picture(
    picture_id: GivenId,
    given: Given,
    for_good: Annotated[bool, Query(description="remove it and its file at once, from the trash or not")] = False,
) -> PictureView:
    """Move a picture to the trash. It can be restored for 30 days; then it and its file are removed."""
    delete = given.pictures.remove if for_good else given.pictures.delete
    return PictureView.of(delete(picture_id))


@router.post("/pictures/{picture_id}/restore", operation_id="restore_picture", responses=refuses(404, 422, 503))
def restore_picture(picture_id: GivenId, given: Given) -> PictureView:
    """Take a picture out of the trash."""
    return PictureView.of(given.pictures.restore(picture_id))


def keep(wish: PictureWish, given: Services) -> tuple[KeptPicture, bool]:
    """Keep a picture; return it, and whether it is new. One whose file is gone or damaged is drawn again."""
    recipe = _complete(wish, given)
    known = given.pictures.find(recipe.url)
    if known is None:
        given.pictures.require_room()
    elif given.pictures.is_whole(known):
        with suppress(PictureNotFoundError):  # removed since it was found: it is kept anew
            return given.pictures.restore(known.id), False
    picture = render(recipe, given.engine.tag(recipe), given, route=PICTURES)
    marks = Marks(wish.starred, tuple(wish.tags), wish.note)
    return given.pictures.keep(_describe(recipe, picture, given), picture.png, marks)


def _complete(wish: PictureWish, given: Services) -> Recipe:
    """Make the recipe complete. Raises FieldError for what is wrong in it, and what `complete` raises."""
    if wish.recipe.seed is None:
        raise FieldError("recipe.seed", "is required: without it, each answer is another picture")
    any_grid = limits(given)
    plain = wish.recipe.model_copy(update={"scale": 1, "metadata": True})
    try:
        return complete(plain, given.catalogue, Limits(min(any_grid.pixels, MOST_PIXELS), any_grid.candidates))
    except ParameterError as error:
        raise FieldError(f"recipe.{error.parameter}", error.detail) from None
    except ControlError as error:
        raise FieldError(f"recipe.{error.control}", error.detail) from None


def _describe(recipe: Recipe, picture: Picture, given: Services) -> NewPicture:
    classes = set(recipe.classes or ())
    return NewPicture(
        url=recipe.url,
        checkpoint_id=recipe.checkpoint.id,
        checkpoint_digest=recipe.checkpoint.digest,
        family=recipe.checkpoint.family,
        dataset=recipe.dataset.name,
        label=classes.pop() if len(classes) == 1 else None,
        seed=recipe.seed,
        index=recipe.index,
        count=recipe.shown_count,
        score=picture.score,
        version=given.engine.version,
        width=picture.width,
        height=picture.height,
    )


def _download(ids: Iterable[str], where: str, given: Services) -> Response:
    chosen = given.pictures.get_all(list(dict.fromkeys(ids)))
    size = sum(one.size_bytes for one in chosen)
    if size > MOST_BYTES:
        detail = f"these pictures have {size:,} bytes together; at most {MOST_BYTES:,} go into one zip file"
        raise FieldError(where, detail) if where == "ids" else ParameterError(where, detail)
    given.pictures.require_files(chosen)
    headers = {"Content-Disposition": f'attachment; filename="{_NAME}"', "Cache-Control": NEVER}
    return StreamingResponse(stream_zip(_entries(chosen, given)), headers=headers, media_type=MEDIA_TYPE)


def _entries(chosen: Sequence[KeptPicture], given: Services) -> Iterator[Entry]:
    described = [Described(**dict(PictureView.of(one)), file=_file_name(one)) for one in chosen]
    manifest = Manifest(version=given.engine.version, pictures=described).model_dump_json(indent=2).encode()
    yield Entry("manifest.json", max(one.created_at for one in chosen), lambda: manifest)
    for one in chosen:
        yield Entry(_file_name(one), one.created_at, lambda one=one: given.pictures.read(one))  # type: ignore[misc]


def _file_name(picture: KeptPicture) -> str:
    place = "grid" if picture.index is None else picture.index
    return f"{picture.family}-{picture.dataset}-{picture.seed}-{place}-{picture.id}.png"
