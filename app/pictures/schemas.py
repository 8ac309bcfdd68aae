"""Kept pictures as JSON: what is asked for, and what is answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import ConfigDict, Field

from app.pictures.comparison import Verdict
from app.pictures.recipes import GenerateQuery
from app.refusals import ParameterError
from app.schemas import Document, PageQuery, moment
from store.faults import RULE
from store.pictures import TRASH_DAYS, KeptPicture, TagCount, Wish, words
from store.requests import LARGEST_SEED

MOST_IN_LINK = 200
"""Pictures that a link may name: proxies take no longer ones."""

MOST_IN_BODY = 1000

MOST_WORDS = 20
"""Words that are searched for at once: each is another list that the database has to meet with the others."""

PictureId = Annotated[str, Field(min_length=1, max_length=64)]
Tag = Annotated[
    str,
    Field(
        min_length=1,
        max_length=50,
        pattern=r"^[^\s,\x00-\x1f](?:[^,\x00-\x1f]*[^\s,\x00-\x1f])?$",
        description="without commas; stored in small letters",
        json_schema_extra={RULE: "a tag of 1 to 50 characters, no comma in it and no space around it"},
    ),
]
Tags = Annotated[Sequence[Tag], Field(max_length=20)]
Note = Annotated[str, Field(max_length=2000)]


class PictureOrder(StrEnum):
    """Which picture of a list comes first."""

    NEWEST = "newest"
    OLDEST = "oldest"


class PictureWish(Document):
    """A picture to keep."""

    model_config = ConfigDict(extra="forbid")

    recipe: GenerateQuery = Field(
        description="the parameters of GET /generate, with a seed; with `index` one picture, without it the whole "
        "grid; `scale` and `metadata` are left aside"
    )
    starred: bool = False
    tags: Tags = ()
    note: Note = ""


class PictureChange(Document):
    """What to change of a picture; what is left out, or null, stays."""

    model_config = ConfigDict(extra="forbid")

    starred: bool | None = None
    tags: Tags | None = Field(None, description="all that it shall have")
    note: Note | None = None


class PicturesQuery(PageQuery):
    """Which pictures to list."""

    limit: int = Field(60, ge=1, le=200, description="the most items")
    family: str | None = Field(None, max_length=100, description="drawn by this family")
    dataset: str | None = Field(None, max_length=100, description="by a network trained on this data set")
    label: str | None = Field(None, max_length=100, description="of this class, by its name; `digit` in general")
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED, description="drawn with this seed")
    tag: str | None = Field(None, max_length=50, description="with this tag")
    starred: bool | None = Field(None, description="with a star, or without one")
    text: str | None = Field(
        None,
        max_length=200,
        description="whole words, 20 at most, all of which stand in the note, the tags, or the names of family, data "
        "set, class and checkpoint",
    )
    order: PictureOrder = Field(PictureOrder.NEWEST, description="whether the newest or the oldest come first")
    trash: bool = Field(False, description="list what was deleted, and can be restored")


class LinkedPictures(Document):
    """Which pictures a link downloads."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[Sequence[PictureId], Field(min_length=1, max_length=MOST_IN_LINK)] = Field(
        description="the id of a picture; given once for each",
        json_schema_extra={RULE: f"the ids of 1 to {MOST_IN_LINK} pictures, each by its box in the gallery"},
    )


class ChosenPictures(Document):
    """Which pictures to download."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[Sequence[PictureId], Field(min_length=1, max_length=MOST_IN_BODY)]


class PictureView(Document):
    """A picture that was kept."""

    id: str
    url: str = Field(description="draws it again: GET /generate with all its parameters")
    page: str = Field(description="the page on which its parameters can be changed")
    parameters: Mapping[str, str] = Field(description="those of the URL")
    index: int | None = Field(description="the place of the one picture in its grid, from 0; null for a whole grid")
    count: int = Field(description="how many pictures are seen")
    checkpoint: str = Field(description="the id of the checkpoint; it may be gone")
    checkpoint_sha256: str
    family: str
    dataset: str
    label: str | None = Field(description="the class of all that is seen, if there is one")
    seed: int
    score: float | None = Field(description="how real the one picture looks to the discriminator, on no fixed scale")
    version: str = Field(description="of Ganery, when it was kept")
    sha256: str = Field(description="of the PNG")
    size_bytes: int
    width: int
    height: int
    starred: bool
    tags: Sequence[str]
    note: str
    image: str = Field(description="the PNG as it was kept")
    thumbnail: str = Field(description="a small PNG without the recipe")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    removed_at: datetime | None = Field(description="until when it can be restored; null unless it is in the trash")

    @classmethod
    def of(cls, picture: KeptPicture) -> "PictureView":
        """Describe a picture."""
        deleted_at = None if picture.deleted_at is None else moment(picture.deleted_at)
        return cls(
            id=picture.id,
            url=picture.url,
            page=page_of(picture.url),
            parameters=parameters_of(picture.url),
            index=picture.index,
            count=picture.count,
            checkpoint=picture.checkpoint_id,
            checkpoint_sha256=picture.checkpoint_digest,
            family=picture.family,
            dataset=picture.dataset,
            label=picture.label,
            seed=picture.seed,
            score=picture.score,
            version=picture.version,
            sha256=picture.digest,
            size_bytes=picture.size_bytes,
            width=picture.width,
            height=picture.height,
            starred=picture.starred,
            tags=picture.tags,
            note=picture.note,
            image=f"/pictures/{picture.id}/image",
            thumbnail=f"/pictures/{picture.id}/thumbnail",
            created_at=moment(picture.created_at),
            updated_at=moment(picture.updated_at),
            deleted_at=deleted_at,
            removed_at=deleted_at and deleted_at + timedelta(days=TRASH_DAYS),
        )


class TagView(Document):
    """A tag, and how many pictures have it."""

    tag: str
    count: int

    @classmethod
    def of(cls, counted: TagCount) -> "TagView":
        """Describe a tag."""
        return cls(tag=counted.tag, count=counted.count)


class RecallView(Document):
    """What a PNG tells of how it was made. Nothing was drawn, and nothing is proved: POST /verify does."""

    url: str = Field(description="draws it again: GET /generate or GET /latent/... with all its parameters")
    path: str = Field(description="of that URL; what /generate drew, POST /pictures keeps")
    page: str = Field(description="the page on which its parameters can be changed")
    parameters: Mapping[str, str] = Field(description="those of the URL")
    recipe: Mapping[str, Any] = Field(description="all that the PNG tells")
    checkpoint: str = Field(description="the id of the checkpoint")
    available: bool = Field(description="whether the checkpoint is here, with the same weights")
    kept: str | None = Field(description="the id of the kept picture with exactly these bytes, if there is one")


class VerificationView(Document):
    """Whether a PNG is what its recipe draws."""

    verdict: Verdict = Field(
        description="equal: every pixel is the same; close: none differs by more than rounding can; else different"
    )
    reasons: Sequence[str] = Field(description="why, in plain words")
    same_bytes: bool = Field(description="whether the whole file is what the URL answers, not the pixels alone")
    pixels: int | None = Field(description="how many were compared; null where the sizes differ")
    differing_pixels: int | None = Field(description="how many of them are not the same")
    largest_difference: int | None = Field(description="of a pixel, in levels from 0 to 255")
    url: str = Field(description="what it was compared with")
    checkpoint: str
    kept: str | None = Field(description="the id of the kept picture with exactly these bytes, if there is one")


def parameters_of(url: str) -> Mapping[str, str]:
    """Return the query of a URL; of a text that is none, nothing."""
    try:
        return dict(parse_qsl(urlsplit(url).query))
    except ValueError:
        return {}


def page_of(url: str) -> str:
    """Return the page that shows the form of GET /generate filled in with the parameters of this URL of it."""
    return f"/?{urlsplit(url).query}"


def wish_of(query: PicturesQuery) -> Wish:
    """Return which pictures a query asks for. Raises ParameterError for what can find nothing."""
    wanted = {name: getattr(query, name) for name in Wish.__slots__}
    for name in ("tag", "text"):
        if query.trash and wanted[name] is not None:
            raise ParameterError(name, f"the trash is not searched by {name}: leave out one of the two")
    found = words(wanted["text"] or "")
    if len(found) > MOST_WORDS:
        raise ParameterError("text", f"{len(found)} words came; at most {MOST_WORDS} are searched for at once")
    if wanted["text"] is not None and not found:
        raise ParameterError("text", f"there is no word in {wanted['text']!r}: letters or digits are searched for")
    return Wish(**wanted)
