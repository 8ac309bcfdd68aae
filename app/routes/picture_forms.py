"""Forms that keep and change pictures, for browsers that run no script: each does what the API does, and shows a page.

A page of another site cannot send one: see GuardHost.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.dependencies import Given, Services
from app.errors import status_of
from app.pictures.schemas import MOST_IN_LINK, PictureChange, PictureWish, parameters_of
from app.routes.pages import gallery
from app.routes.pictures import keep
from app.web.form_body import read_fields
from app.web.pages import render
from app.web.refusal_page import refuse
from store.errors import NotFoundError, PictureInTrashError
from store.faults import tell_faults

router = APIRouter()

KEEP, CHANGE = "/forms/pictures", "/forms/pictures/change"
_FIELDS_BESIDE_IDS = 10


@dataclass(frozen=True, slots=True)
class RemovePage:
    """What the template is told that asks before pictures are gone. action: where its form goes. back: if not."""

    ids: Sequence[str]
    action: str
    back: str


@router.get(KEEP, include_in_schema=False)
@router.get(CHANGE, include_in_schema=False)
def show_pictures(request: Request) -> Response:
    """Lead to the gallery, as the forms do: a browser keeps their addresses where one was refused."""
    return RedirectResponse(_back(request), status_code=303)


@router.post(KEEP, include_in_schema=False)
async def send_picture(request: Request, given: Given) -> Response:
    """Keep what a URL of GET /generate draws, as `POST /pictures` does, and show it in the gallery."""
    fields = dict(await read_fields(request))
    return await run_in_threadpool(_keep, request, given, fields.get("recipe", ""))


def _keep(request: Request, given: Services, url: str) -> Response:
    try:
        wish = PictureWish.model_validate({"recipe": parameters_of(url)})
    except ValidationError as error:
        told = tell_faults(error, PictureWish)
        return refuse(request, f"this is no picture that can be kept ({told})", "/")
    kept, _ = keep(wish, given)
    return RedirectResponse(f"{gallery.PATH}?{urlencode({'picture': kept.id})}#picture", status_code=303)


@router.post(CHANGE, include_in_schema=False)
async def send_changes(request: Request, given: Given) -> Response:
    """Change pictures, and go back to the gallery; what was deleted can be undone there.

    `change` is done to each `id`. A button that is of one picture alone names the change, and its value the picture.
    What cannot be undone is asked for once more, unless `is_sure`.
    """
    fields = await read_fields(request, most=MOST_IN_LINK + _FIELDS_BESIDE_IDS)
    return await run_in_threadpool(_change, request, given, fields)


def _change(request: Request, given: Services, fields: Sequence[tuple[str, str]]) -> Response:
    back = _back(request)
    values, changes = dict(fields), _changes(given, dict(fields))
    alone = next(((name, value) for name, value in fields if name in changes), None)
    change, ids = alone[0] if alone else values.get("change", ""), [value for name, value in fields if name == "id"]
    ids = [alone[1]] if alone else list(dict.fromkeys(ids))
    if change not in changes:
        return refuse(request, f"there is no change {change!r}; there are {', '.join(changes)}", back)
    if not ids:
        return refuse(request, "no picture is selected: check the box of each first", back)
    try:
        given.pictures.get_all(ids)  # before the first is changed, or nobody would be told which were
        if change == "remove" and values.get("is_sure") != "true":
            return render(request, "remove", RemovePage(ids, f"{CHANGE}?{urlencode({'back': back})}", back))
        for one in ids:
            changes[change](one)
    except ValidationError as error:
        return refuse(request, tell_faults(error, PictureChange), back)
    except (NotFoundError, PictureInTrashError) as error:
        return refuse(request, str(error), back, status=status_of(error))
    if change == "delete":
        back = _with(back, deleted=",".join(ids))
    return RedirectResponse(back, status_code=303)


def _changes(given: Services, values: Mapping[str, str]) -> Mapping[str, Callable[[str], object]]:
    """Return what can be done to a picture, by name. values: of the form, by its fields' names."""

    def describe(picture_id: str) -> None:
        tags = [tag.strip() for tag in values.get("tags", "").split(",") if tag.strip()]
        change = PictureChange(tags=tags, note=values.get("note", ""))
        given.pictures.change(picture_id, tags=change.tags, note=change.note)

    return {
        "star": lambda one: given.pictures.change(one, starred=True),
        "unstar": lambda one: given.pictures.change(one, starred=False),
        "delete": given.pictures.delete,
        "remove": given.pictures.remove,
        "restore": given.pictures.restore,
        "describe": describe,
    }


def _back(request: Request) -> str:
    """Return the state of the gallery to go back to."""
    asked = request.query_params.get("back", "")
    return asked if asked.partition("?")[0] == gallery.PATH else gallery.PATH


def _with(address: str, **changes: str) -> str:
    parts = urlsplit(address)
    return parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | changes)).geturl()
