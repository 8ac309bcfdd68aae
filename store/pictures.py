"""Pictures that people kept: by the recipe that draws them again, and by their bytes, should the recipe ever fail.

A picture that is deleted waits in the trash, where it can be restored, before its row and its file are removed. Words
and tags are rows of their own, one for each picture that has them and is not in the trash: so a search reads a list of
numbers that is in order already, on either database.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, delete, func, insert, select, update

from store import tables
from store.blobs import Blobs
from store.database import Database
from store.errors import (
    GalleryFullError,
    PictureInTrashError,
    PictureNotFoundError,
)
from store.pages import Page, PageBefore, find_page_before, read_page
from store.tables import LARGEST_INTEGER

TRASH_DAYS: Final = 30
"""How long a deleted picture can be restored."""

_TRASH_SECONDS = TRASH_DAYS * 24 * 3600.0
_REMOVED_AT_ONCE = 500
_UNFINISHED_SECONDS = 600.0  # a writer that lives needs some seconds
_TAG, _WORD = "tag", "word"
_WORDS = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")  # Chinese has no spaces: each character is a word
_LONGEST_WORD = 64
_pictures = tables.pictures.c
_terms = tables.picture_terms.c


@dataclass(frozen=True, slots=True)
class NewPicture:
    """What a picture is, before it is kept.

    url: of GET /generate, complete and in its one form; it names the picture. label: the one class of all that is
    seen, if there is one. index: the place of the one picture in its grid; None for a whole grid. count: of the
    pictures that are seen. score: of the one picture, on no fixed scale. version: of the program that drew it. width,
    height: in pixels.
    """

    url: str
    checkpoint_id: str
    checkpoint_digest: str
    family: str
    dataset: str
    label: str | None
    seed: int
    index: int | None
    count: int
    score: float | None
    version: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What people add to a picture."""

    starred: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class KeptPicture(NewPicture):
    """A picture as it stands in the store. digest: sha256 of its PNG. deleted_at: None unless it is in the trash."""

    id: str
    digest: str
    size_bytes: int
    starred: bool
    tags: tuple[str, ...]
    note: str
    created_at: float
    updated_at: float
    deleted_at: float | None


@dataclass(frozen=True, slots=True)
class Wish:
    """Which pictures are wanted. text: words, all of which are of those in `terms_of`."""

    family: str | None = None
    dataset: str | None = None
    label: str | None = None
    seed: int | None = None
    starred: bool | None = None
    tag: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag, and how many pictures have it."""

    tag: str
    count: int


@dataclass(frozen=True, slots=True)
class Room:
    """How many pictures may be kept, and how many bytes of them; those in the trash count."""

    pictures: int
    size_bytes: int


class PictureStore:
    """Keeps pictures while there is room, finds them, and empties the trash. room: None where there is no limit."""

    def __init__(self, database: Database, blobs: Blobs, room: Room | None = None) -> None:
        self._database, self._blobs, self._room = database, blobs, room

    def find(self, url: str) -> KeptPicture | None:
        """The picture of this URL, in the trash or not; None where none was kept."""
        with self._database.read() as connection:
            row = connection.execute(select(tables.pictures).where(_pictures.url == url)).mappings().first()
        return None if row is None else _picture(row)

    def find_file(self, digest: str) -> KeptPicture | None:
        """The newest picture whose PNG has this sha256, in the trash or not; None where none has."""
        query = select(tables.pictures).where(_pictures.digest == digest).order_by(_pictures.number.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _picture(row)

    def get(self, picture_id: str) -> KeptPicture:
        """A picture, in the trash or not. Raises PictureNotFoundError."""
        with self._database.read() as connection:
            return _picture(_find(connection, picture_id))

    def read(self, picture: KeptPicture) -> bytes:
        """The PNG as it was kept. Raises BlobMissingError, BlobDamagedError."""
        return self._blobs.read(picture.digest)

    def is_whole(self, picture: KeptPicture) -> bool:
        """Whether its file is there as it was kept."""
        return self._blobs.holds(picture.digest)

    def require_files(self, pictures: Iterable[KeptPicture]) -> None:
        """Raises BlobMissingError for the first picture whose file is gone."""
        for picture in pictures:
            self._blobs.require(picture.digest)

    def keep(self, new: NewPicture, png: bytes, marks: Marks) -> tuple[KeptPicture, bool]:
        """Keeps a picture; returns it, and whether it is new. One that was kept before stays as it is, if it is whole.

        From the trash it comes back. Raises GalleryFullError.
        """
        with self._database.begin() as connection:
            self._exclude(connection)
            row = connection.execute(select(tables.pictures).where(_pictures.url == new.url)).mappings().first()
            if row is not None:
                return self._restored(connection, self._mended(connection, row, png)), False
            self._require_room(connection, len(png))
            return self._insert(connection, new, png, marks), True

    def require_room(self) -> None:
        """Raises GalleryFullError if not even an empty picture could be kept: asked before one is drawn."""
        with self._database.read() as connection:
            self._require_room(connection, 0)

    def change(
        self,
        picture_id: str,
        *,
        starred: bool | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
    ) -> KeptPicture:
        """Changes what is given. Raises PictureNotFoundError, PictureInTrashError."""
        wanted = {"starred": starred, "tags": None if tags is None else unique(tags), "note": note}
        with self._database.begin() as connection:
            self._exclude(connection)
            row = _find(connection, picture_id)
            if row["deleted_at"] is not None:
                raise PictureInTrashError(picture_id)
            values = {name: value for name, value in wanted.items() if value is not None and value != row[name]}
            if not values:
                return _picture(row)
            changed = self._update(connection, row, **values)
            _forget_terms(connection, [row["number"]])
            _insert_terms(connection, row["number"], changed)
            return changed

    def delete(self, picture_id: str) -> KeptPicture:
        """Moves a picture to the trash; one that is there stays as it is. Raises PictureNotFoundError."""
        with self._database.begin() as connection:
            self._exclude(connection)
            row = _find(connection, picture_id)
            if row["deleted_at"] is not None:
                return _picture(row)
            _forget_terms(connection, [row["number"]])
            return self._update(connection, row, deleted_at=self._database.now(connection))

    def remove(self, picture_id: str) -> KeptPicture:
        """Removes a picture for good, from the trash or not, and its file. Raises PictureNotFoundError."""
        with self._database.begin() as connection:
            self._exclude(connection)
            row = _find(connection, picture_id)
            self._remove_rows(connection, [row])
        return _picture(row)

    def restore(self, picture_id: str) -> KeptPicture:
        """Takes a picture out of the trash; one that is not there stays as it is. Raises PictureNotFoundError."""
        with self._database.begin() as connection:
            self._exclude(connection)
            return self._restored(connection, _find(connection, picture_id))

    def remove_expired(self) -> int:
        """Removes rows and files of what was in the trash for 30 days, some hundred at most; says how many it were."""
        with self._database.read() as connection:
            if not self._expired(connection):
                return 0
        with self._database.begin() as connection:
            self._exclude(connection)
            rows = self._expired(connection)
            self._remove_rows(connection, rows)
        return len(rows)

    def count(self, wish: Wish, *, in_trash: bool = False, at_most: int = LARGEST_INTEGER) -> int:
        """How many pictures there are of those wanted; no more are counted than at_most."""
        query, number = _query(wish, in_trash=in_trash)
        some = query.with_only_columns(number).limit(at_most).subquery()
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(some)).scalar_one()

    def before(
        self, wish: Wish, cursor: str, *, in_trash: bool = False, oldest_first: bool = False, limit: int = 100
    ) -> PageBefore | None:
        """Where the page begins that ends at a cursor of `list`; None where none comes before it.

        Raises InvalidCursorError.
        """
        query, number = _query(wish, in_trash=in_trash)
        with self._database.read() as connection:
            return find_page_before(
                connection,
                tables.pictures,
                query,
                limit=limit,
                cursor=cursor,
                oldest_first=oldest_first,
                number=number,
            )

    def tags(self, *, limit: int) -> Sequence[TagCount]:
        """The most frequent tags of pictures that are not in the trash."""
        count = func.count()
        query = (
            select(_terms.term, count)
            .where(_terms.kind == _TAG)
            .group_by(_terms.term)
            .order_by(count.desc(), _terms.term)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [TagCount(*row) for row in connection.execute(query)]

    def _insert(self, connection: Connection, new: NewPicture, png: bytes, marks: Marks) -> KeptPicture:
        now = self._database.now(connection)
        row = asdict(new) | {
            "id": secrets.token_hex(8),
            "digest": self._blobs.put(png),
            "size_bytes": len(png),
            "starred": marks.starred,
            "tags": unique(marks.tags),
            "note": marks.note,
            "created_at": now,
            "updated_at": now,
        }
        inserted = insert(tables.pictures).values(row).returning(*_pictures)
        stored = connection.execute(inserted).mappings().one()
        _insert_terms(connection, stored["number"], picture := _picture(stored))
        return picture

    def _mended(self, connection: Connection, row: RowMapping, png: bytes) -> RowMapping:
        """Give a picture whose file is gone or damaged the one that was drawn again."""
        if self.is_whole(_picture(row)):
            return row
        self._update(connection, row, digest=self._blobs.put(png), size_bytes=len(png))
        self._remove_files(connection, {row["digest"]})
        return _find(connection, row["id"])

    def _restored(self, connection: Connection, row: RowMapping) -> KeptPicture:
        if row["deleted_at"] is None:
            return _picture(row)
        picture = self._update(connection, row, deleted_at=None)
        _insert_terms(connection, row["number"], picture)
        return picture

    def _update(self, connection: Connection, row: RowMapping, **values: Any) -> KeptPicture:
        change = update(tables.pictures).where(_pictures.number == row["number"])
        change = change.values(values | {"updated_at": self._database.now(connection)})
        return _picture(connection.execute(change.returning(*_pictures)).mappings().one())

    def _expired(self, connection: Connection) -> Sequence[RowMapping]:
        """Number and digest of each that may be removed."""
        over = _pictures.deleted_at <= self._database.now(connection) - _TRASH_SECONDS
        query = select(_pictures.number, _pictures.digest).where(over).limit(_REMOVED_AT_ONCE)
        return connection.execute(query).mappings().all()

    def remove_unfinished(self) -> None:
        """Removes what writers left who were killed while they kept a picture: no row tells of it.

        It may be half a file, or a whole one whose row was never committed.
        """
        self._blobs.sweep(older_than_seconds=_UNFINISHED_SECONDS)
        found = self._blobs.digests(older_than_seconds=_UNFINISHED_SECONDS)
        while some := set(islice(found, _REMOVED_AT_ONCE)):
            with self._database.read() as connection:
                unknown = some - _known_digests(connection, some)
            if unknown:
                with self._database.begin() as connection:
                    self._exclude(connection)
                    self._remove_files(connection, unknown)

    def _require_room(self, connection: Connection, size_bytes: int) -> None:
        """Raises GalleryFullError if one more picture of so many bytes would be too much."""
        if self._room is None:
            return
        in_trash = func.count(_pictures.deleted_at)
        totals = select(func.count(), func.coalesce(func.sum(_pictures.size_bytes), 0), in_trash)
        pictures, total_bytes, trashed = connection.execute(totals.select_from(tables.pictures)).one()
        if pictures >= self._room.pictures:
            raise GalleryFullError(pictures, int(total_bytes), trashed, f"{self._room.pictures:,} pictures")
        if total_bytes + size_bytes > self._room.size_bytes:
            raise GalleryFullError(pictures, int(total_bytes), trashed, f"{self._room.size_bytes:,} bytes")

    def _remove_rows(self, connection: Connection, rows: Sequence[RowMapping]) -> None:
        """Remove pictures by their numbers and digests, and with them the files that no other has."""
        numbers = [row["number"] for row in rows]
        _forget_terms(connection, numbers)
        connection.execute(delete(tables.pictures).where(_pictures.number.in_(numbers)))
        self._remove_files(connection, {row["digest"] for row in rows})

    def _remove_files(self, connection: Connection, digests: set[str]) -> None:
        """Remove the files that no row refers to any more.

        Before the transaction ends: a row whose file is gone is removed by the next try, a file without a row by the
        sweep alone.
        """
        for digest in digests - _known_digests(connection, digests):
            self._blobs.remove(digest)

    def _exclude(self, connection: Connection) -> None:
        """Let no other process keep or remove a picture meanwhile: rows and files must agree."""
        self._database.exclude_others(connection, "pictures")

    def in_trash(self, picture_ids: Sequence[str]) -> Sequence[str]:
        """Those of the ids whose pictures are in the trash, in their order."""
        query = select(_pictures.id).where(_pictures.id.in_(picture_ids), _pictures.deleted_at.is_not(None))
        with self._database.read() as connection:
            found = set(connection.scalars(query))
        return [one for one in dict.fromkeys(picture_ids) if one in found]

    def get_all(self, picture_ids: Sequence[str]) -> Sequence[KeptPicture]:
        """The pictures of these ids, in this order. Raises PictureNotFoundError for the first that is not there."""
        query = select(tables.pictures).where(_pictures.id.in_(picture_ids))
        with self._database.read() as connection:
            found = {row["id"]: _picture(row) for row in connection.execute(query).mappings()}
        missing = [one for one in picture_ids if one not in found]
        if missing:
            raise PictureNotFoundError(missing[0])
        return [found[one] for one in picture_ids]

    # The last method, so that `list` means the type in all annotations above.
    def list(
        self,
        wish: Wish,
        *,
        in_trash: bool = False,
        oldest_first: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[KeptPicture]:
        """Pictures, the last kept first unless told otherwise. In the trash, none is found by a tag or a word.

        Raises InvalidCursorError.
        """
        query, number = _query(wish, in_trash=in_trash)
        with self._database.read() as connection:
            return read_page(
                connection,
                tables.pictures,
                query,
                _picture,
                limit=limit,
                cursor=cursor,
                oldest_first=oldest_first,
                number=number,
            )


def unique(tags: Iterable[str]) -> list[str]:
    """Tags in order, each once, in small letters."""
    return sorted({tag.casefold() for tag in tags})


def words(text: str) -> set[str]:
    """The words of a text as they are compared: in small letters."""
    return {word[:_LONGEST_WORD] for word in _WORDS.findall(text.casefold())}


def _query(wish: Wish, *, in_trash: bool) -> tuple[Select[Any], ColumnElement[int]]:
    """Returns the wanted rows, and the column whose order the database can follow: that of the first term, if any."""
    in_columns = {name: getattr(wish, name) for name in ("family", "dataset", "label", "seed", "starred")}
    trashed = _pictures.deleted_at.is_not(None) if in_trash else _pictures.deleted_at.is_(None)
    query = select(tables.pictures).where(
        trashed, *(_pictures[name] == value for name, value in in_columns.items() if value is not None)
    )
    numbers: list[ColumnElement[int]] = []
    for kind, term in _wanted_terms(wish):
        list_of_term = tables.picture_terms.alias()
        number = numbers[0] if numbers else _pictures.number
        has_term = and_(list_of_term.c.kind == kind, list_of_term.c.term == term, list_of_term.c.number == number)
        query = query.join(list_of_term, has_term)
        numbers.append(list_of_term.c.number)
    return query, numbers[0] if numbers else _pictures.number


def _wanted_terms(wish: Wish) -> Sequence[tuple[str, str]]:
    tag = [] if wish.tag is None else [(_TAG, wish.tag.casefold())]
    return [*tag, *((_WORD, word) for word in sorted(words(wish.text or "")))]


def terms_of(picture: KeptPicture) -> set[tuple[str, str]]:
    """Return the kinds and terms by which a picture is found."""
    told = (picture.note, *picture.tags, picture.family, picture.dataset, picture.label or "", picture.checkpoint_id)
    return {(_TAG, tag) for tag in picture.tags} | {(_WORD, word) for text in told for word in words(text)}


def _insert_terms(connection: Connection, number: int, picture: KeptPicture) -> None:
    rows = [{"kind": kind, "term": term, "number": number} for kind, term in sorted(terms_of(picture))]
    connection.execute(insert(tables.picture_terms), rows)


def _forget_terms(connection: Connection, numbers: Sequence[int]) -> None:
    connection.execute(delete(tables.picture_terms).where(_terms.number.in_(numbers)))


def _known_digests(connection: Connection, digests: set[str]) -> set[str]:
    """Return those of the digests that a row refers to."""
    return set(connection.scalars(select(_pictures.digest).where(_pictures.digest.in_(digests))))


def _find(connection: Connection, picture_id: str) -> RowMapping:
    row = connection.execute(select(tables.pictures).where(_pictures.id == picture_id)).mappings().first()
    if row is None:
        raise PictureNotFoundError(picture_id)
    return row


def _picture(row: RowMapping) -> KeptPicture:
    values = {field.name: row[field.name] for field in fields(KeptPicture)}
    return KeptPicture(**values | {"tags": tuple(row["tags"])})
