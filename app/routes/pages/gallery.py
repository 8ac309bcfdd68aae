"""The gallery: pictures that people kept, and one of them in full."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from pydantic import Field, ValidationError
from starlette.responses import Response

from app.dependencies import Given, Services
from app.pictures.schemas import MOST_IN_LINK, PictureId, PictureOrder, PicturesQuery, PictureView, wish_of
from app.refusals import ParameterError
from app.web.fields import faults_of
from app.web.pages import render
from models import DATASETS, families
from store.errors import InvalidCursorError, PictureNotFoundError
from store.pages import Page
from store.pictures import TRASH_DAYS, KeptPicture, Wish
from store.telling import tell_thousands

router = APIRouter()

PATH = "/gallery"
_COUNTED = 1000
"""More are not counted: it would take longer than to show the page."""


class GalleryQuery(PicturesQuery):
    """What the page shows."""

    picture: PictureId | None = Field(None, description="show this picture in full too")
    deleted: str | None = Field(None, max_length=8000, description="ids that were just deleted, to undo that")

    def address(self, **changes: object) -> str:
        """Return the URL of this page with something changed; None leaves it out."""
        told = self.model_dump(exclude_defaults=True) | {"deleted": None} | changes
        given = {name: _text(value) for name, value in told.items() if value is not None}
        return f"{PATH}?{urlencode(given)}" if given else PATH


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture in the list. href: shows it in full."""

    picture: PictureView
    href: str

    @property
    def name(self) -> str:
        """What is seen, in words."""
        return name_of(self.picture)


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """What the template is told.

    here: its address. deleted: the ids of what was just deleted, which can be undone. typed: what the form says, by its
    fields' names. faults: what is wrong with it; then nothing is searched for. count: None where there are more than
    are counted. shown: the picture in full.
    """

    query: GalleryQuery
    here: str
    deleted: Sequence[str]
    typed: Mapping[str, str]
    faults: Mapping[str, str]
    tiles: Sequence[Tile]
    count: int | None
    shown: Tile | None
    shown_is_gone: bool
    close: str
    first: str | None
    previous: str | None
    next: str | None
    families: Sequence[str]
    datasets: Sequence[str]
    trash_days: int = TRASH_DAYS
    most_in_link: int = MOST_IN_LINK

    @property
    def total(self) -> str:
        """How many pictures there are, in words."""
        if self.faults:
            return ""
        if self.count is None:
            return f"more than {tell_thousands(_COUNTED)} pictures"
        return f"{tell_thousands(self.count)} picture{'' if self.count == 1 else 's'}"

    @property
    def is_search(self) -> bool:
        """Whether not all pictures are wanted."""
        return (
            bool(self.faults)
            or self.query.model_copy(update={"picture": None, "cursor": None, "trash": False, "deleted": None})
            != GalleryQuery()
        )


@router.get(PATH, include_in_schema=False)
def show_gallery(request: Request, given: Given) -> Response:
    """Show what was kept, or the trash; what is wrong with the search is said at its field."""
    typed = {name: value for name, value in request.query_params.items() if value != ""}  # a form sends empty ones
    query, faults = _read(typed)
    try:
        wish = wish_of(query)
        if not faults:
            return render(request, "gallery", _found(query, typed, wish, given))
    except ParameterError as error:
        faults = {**faults, error.parameter: error.detail}
    except InvalidCursorError as error:
        faults = {"cursor": str(error)}
    page = _page(query, typed, Page((), None), given, count=0, faults=faults)
    return render(request, "gallery", page, status=422)


def _read(typed: Mapping[str, str]) -> tuple[GalleryQuery, Mapping[str, str]]:
    """Return what the page is asked for, without what is of no use, and what is wrong with that."""
    try:
        return GalleryQuery.model_validate(typed), {}
    except ValidationError as error:
        faults = faults_of(error, GalleryQuery)
    return GalleryQuery.model_validate({name: value for name, value in typed.items() if name not in faults}), faults


def name_of(picture: PictureView) -> str:
    """Return what is seen on a picture, in words."""
    made = f"by {picture.family}, seed {picture.seed}"
    if picture.index is not None:
        number = f"picture {picture.index + 1}"  # people count from 1
        return f"{number} {made}" if picture.label is None else f"{picture.label} {made}, {number}"
    of_class = "" if picture.label is None else f" of {picture.label}"
    return f"{picture.count} picture{'' if picture.count == 1 else 's'}{of_class} {made}"


def _found(query: GalleryQuery, typed: Mapping[str, str], wish: Wish, given: Services) -> GalleryPage:
    backwards = query.order is PictureOrder.OLDEST
    found = given.pictures.list(
        wish, in_trash=query.trash, oldest_first=backwards, limit=query.limit, cursor=query.cursor
    )
    count = given.pictures.count(wish, in_trash=query.trash, at_most=_COUNTED + 1)
    previous = None
    if query.cursor is not None:
        before = given.pictures.before(
            wish, query.cursor, in_trash=query.trash, oldest_first=backwards, limit=query.limit
        )
        previous = None if before is None else query.address(cursor=before.cursor, picture=None)
    return _page(query, typed, found, given, count=None if count > _COUNTED else count, previous=previous)


def _page(
    query: GalleryQuery,
    typed: Mapping[str, str],
    found: Page[KeptPicture],
    given: Services,
    *,
    count: int | None,
    previous: str | None = None,
    faults: Mapping[str, str] | None = None,
) -> GalleryPage:
    shown = _shown(query, given)
    return GalleryPage(
        query=query,
        here=query.address(),
        deleted=given.pictures.in_trash(query.deleted.split(",")) if query.deleted else (),
        typed=typed,
        faults=faults or {},
        tiles=[_tile(query, one) for one in found.items],
        count=count,
        shown=None if shown is None else _tile(query, shown),
        shown_is_gone=query.picture is not None and shown is None,
        close=query.address(picture=None),
        first=query.address(cursor=None, picture=None) if query.cursor is not None else None,
        previous=previous,
        next=found.next_cursor and query.address(cursor=found.next_cursor, picture=None),
        families=sorted(families()),
        datasets=sorted(DATASETS),
    )


def _shown(query: GalleryQuery, given: Services) -> KeptPicture | None:
    if query.picture is None:
        return None
    try:
        return given.pictures.get(query.picture)
    except PictureNotFoundError:
        return None


def _tile(query: GalleryQuery, picture: KeptPicture) -> Tile:
    return Tile(PictureView.of(picture), query.address(picture=picture.id))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
