"""Pictures are kept once for each recipe, found by what is said of them, and removed with their files."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from store import tables
from store.blobs import Blobs
from store.database import Database
from store.errors import (
    BlobMissingError,
    GalleryFullError,
    InvalidCursorError,
    PictureInTrashError,
    PictureNotFoundError,
)
from store.pages import PageBefore
from store.pictures import TRASH_DAYS, KeptPicture, Marks, NewPicture, PictureStore, Room, TagCount, Wish, words
from tests.workers.service import eventually

DIGEST = "ab" * 32


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


@pytest.fixture
def pictures(database: Database, directory: Path) -> PictureStore:
    return PictureStore(database, Blobs(directory))


def new(seed: int, *, family: str = "dcgan", dataset: str = "mnist", label: str | None = "7") -> NewPicture:
    return NewPicture(
        url=f"/generate?checkpoint=job-100&index=3&seed={seed}",
        checkpoint_id="job-100",
        checkpoint_digest=DIGEST,
        family=family,
        dataset=dataset,
        label=label,
        seed=seed,
        index=3,
        count=1,
        score=-0.5,
        version="1.0",
        width=28,
        height=28,
    )


def keep(pictures: PictureStore, seed: int, *, png: bytes | None = None, marks: Marks | None = None) -> KeptPicture:
    kept, is_new = pictures.keep(new(seed), png or f"png {seed}".encode(), marks or Marks())
    assert is_new
    return kept


def seeds(found: Sequence[KeptPicture]) -> list[int]:
    return [one.seed for one in found]


def search(pictures: PictureStore, **wish: object) -> list[int]:
    """The seeds of what is found, the newest first, and as many as were counted."""
    wanted = replace(Wish(), **wish)  # type: ignore[arg-type]
    found = seeds(pictures.list(wanted).items)
    assert pictures.count(wanted) == len(found)
    return found


def let_expire(database: Database, *picture_ids: str, days: float = TRASH_DAYS) -> None:
    """Lets pictures of the trash be there for so long already."""
    columns = tables.pictures.c
    earlier = update(tables.pictures).where(columns.id.in_(picture_ids))
    with database.begin() as connection:
        connection.execute(earlier.values(deleted_at=columns.deleted_at - days * 24 * 3600))


def files(directory: Path) -> int:
    return sum(path.is_file() for path in directory.rglob("*"))


# Kept


def test_a_picture_is_kept_as_it_came(pictures: PictureStore) -> None:
    marks = Marks(starred=True, tags=("Sevens", "bold", "sevens"), note="leans over")
    kept, is_new = pictures.keep(new(2**63 - 1), b"png", marks)
    assert is_new
    assert pictures.get(kept.id) == kept
    assert {name: getattr(kept, name) for name in NewPicture.__slots__} == {
        name: getattr(new(2**63 - 1), name) for name in NewPicture.__slots__
    }
    assert (kept.starred, kept.tags, kept.note, kept.deleted_at) == (True, ("bold", "sevens"), "leans over", None)
    assert kept.size_bytes == 3
    assert pictures.read(kept) == b"png"
    assert pictures.find_file(kept.digest) == kept


def test_the_same_recipe_is_kept_once(pictures: PictureStore, directory: Path) -> None:
    first = keep(pictures, 1, marks=Marks(note="mine"))
    again, is_new = pictures.keep(new(1), b"other bytes", Marks(starred=True))
    assert (again, is_new) == (first, False)
    assert pictures.find(first.url) == first
    assert pictures.find("/generate?seed=2") is None
    assert files(directory) == 1


def test_what_is_changed_is_found_so_and_no_more_as_before(pictures: PictureStore) -> None:
    kept = keep(pictures, 1, marks=Marks(tags=("bold",), note="first"))
    changed = pictures.change(kept.id, starred=True, tags=["Thin"], note="second")
    assert (
        changed
        == replace(kept, starred=True, tags=("thin",), note="second", updated_at=changed.updated_at)
        == pictures.get(kept.id)
    )
    assert search(pictures, tag="thin") == search(pictures, text="second") == search(pictures, starred=True) == [1]
    assert search(pictures, tag="bold") == search(pictures, text="first") == search(pictures, starred=False) == []


def test_what_is_not_named_stays(pictures: PictureStore) -> None:
    kept = keep(pictures, 1, marks=Marks(starred=True, tags=("bold",), note="first"))
    assert pictures.change(kept.id) == pictures.change(kept.id, note="first") == kept
    assert pictures.change(kept.id, tags=[]).note == "first"


def test_a_picture_that_is_not_there_is_named(pictures: PictureStore) -> None:
    for action in (pictures.get, pictures.change, pictures.delete, pictures.restore):
        with pytest.raises(PictureNotFoundError, match="'0000'"):
            action("0000")


def test_many_are_had_in_the_order_of_their_ids(pictures: PictureStore) -> None:
    kept = [keep(pictures, seed) for seed in range(3)]
    ids = [kept[place].id for place in (2, 0, 1)]
    assert seeds(pictures.get_all(ids)) == [2, 0, 1]
    with pytest.raises(PictureNotFoundError, match="gone"):
        pictures.get_all([*ids, "gone"])


# Found


def test_pages_run_from_the_newest_to_the_oldest_and_back(pictures: PictureStore) -> None:
    for seed in range(7):
        keep(pictures, seed)
    for oldest_first, expected in ((False, [*range(6, -1, -1)]), (True, [*range(7)])):
        cursor: str | None = None
        found: list[int] = []
        for _ in range(3):
            page = pictures.list(Wish(), oldest_first=oldest_first, limit=3, cursor=cursor)
            found, cursor = [*found, *seeds(page.items)], page.next_cursor
        assert (found, cursor) == (expected, None)
    with pytest.raises(InvalidCursorError):
        pictures.list(Wish(), cursor="zzz")


def test_pages_lead_back_to_the_beginning(pictures: PictureStore) -> None:
    for seed in range(8):
        keep(pictures, seed, marks=Marks(note="odd" if seed % 2 else "even"))
    for backwards in (False, True):
        pages = [pictures.list(Wish(), limit=3, oldest_first=backwards)]
        while pages[-1].next_cursor is not None:
            pages.append(pictures.list(Wish(), limit=3, cursor=pages[-1].next_cursor, oldest_first=backwards))
        cursors = [page.next_cursor for page in pages[:-1]]
        assert [pictures.before(Wish(), str(cursor), limit=3, oldest_first=backwards) for cursor in cursors] == [
            PageBefore(None),
            PageBefore(cursors[0]),
        ]
    second = pictures.list(Wish(text="odd"), limit=2).next_cursor
    assert second is not None
    for one in pictures.list(Wish(text="odd"), limit=2).items:
        pictures.delete(one.id)
    assert pictures.before(Wish(text="odd"), second, limit=2) is None
    assert pictures.before(Wish(), second, limit=1) == PageBefore(None)


def test_pictures_are_found_by_what_they_are(pictures: PictureStore) -> None:
    pictures.keep(new(1, family="wgan"), b"1", Marks())
    pictures.keep(new(2, dataset="segments"), b"2", Marks(starred=True))
    pictures.keep(new(3, label=None), b"3", Marks())
    assert search(pictures) == [3, 2, 1]
    assert search(pictures, family="wgan") == [1]
    assert search(pictures, dataset="mnist") == [3, 1]
    assert search(pictures, label="7") == [2, 1]
    assert search(pictures, seed=3) == [3]
    assert search(pictures, starred=True) == [2]
    assert search(pictures, starred=False, dataset="mnist", label="7") == [1]


def test_words_are_found_in_note_tags_and_recipe_whatever_their_case(pictures: PictureStore) -> None:
    keep(pictures, 1, marks=Marks(note="Leans OVER, like a Straße", tags=("two words",)))
    keep(pictures, 2, marks=Marks(note="an overhang"))
    keep(pictures, 3, marks=Marks(note="数字七"))
    assert search(pictures, text="over") == search(pictures, text="STRASSE") == [1]
    assert search(pictures, text="words over") == search(pictures, tag="two words", text="leans") == [1]
    assert search(pictures, text="over overhang") == search(pictures, tag="two") == search(pictures, tag="over") == []
    assert search(pictures, text="七 DCGAN") == search(pictures, text="数七") == [3]
    assert search(pictures, text="mnist 7") == [3, 2, 1]


def test_pages_of_a_search_run_in_order(pictures: PictureStore) -> None:
    for seed in range(10):
        keep(pictures, seed, marks=Marks(note="even thing" if seed % 2 == 0 else "odd thing"))
    first = pictures.list(Wish(text="even thing"), limit=2)
    rest = pictures.list(Wish(text="even thing"), limit=9, cursor=first.next_cursor)
    assert seeds([*first.items, *rest.items]) == [8, 6, 4, 2, 0]
    backwards = pictures.list(Wish(text="even thing"), limit=2, oldest_first=True)
    assert seeds(backwards.items) == [0, 2]


def test_words_are_letters_and_digits_and_each_chinese_character() -> None:
    assert words("A wgan_gp-7, 数字!") == {"a", "wgan_gp", "7", "数", "字"}
    assert max(map(len, words("x" * 1000))) == 64


def test_tags_are_counted_the_most_frequent_first(pictures: PictureStore) -> None:
    kept = [keep(pictures, seed, marks=Marks(tags=("all", f"of {seed % 2}"))) for seed in range(3)]
    assert pictures.tags(limit=9) == [TagCount("all", 3), TagCount("of 0", 2), TagCount("of 1", 1)]
    pictures.delete(kept[0].id)
    assert pictures.tags(limit=1) == [TagCount("all", 2)]


# Deleted


def test_a_deleted_picture_is_in_the_trash_alone(pictures: PictureStore) -> None:
    kept = keep(pictures, 1, marks=Marks(tags=("bold",)))
    keep(pictures, 2)
    gone = pictures.delete(kept.id)
    assert gone.deleted_at is not None
    assert pictures.delete(kept.id) == gone == pictures.get(kept.id)
    assert search(pictures) == [2]
    assert search(pictures, tag="bold") == []
    assert seeds(pictures.list(Wish(), in_trash=True).items) == [1]
    assert pictures.count(Wish(), in_trash=True) == 1
    with pytest.raises(PictureInTrashError, match=kept.id):
        pictures.change(kept.id, starred=True)


def test_a_restored_picture_is_as_before(pictures: PictureStore) -> None:
    kept = keep(pictures, 1, marks=Marks(starred=True, tags=("bold",), note="leans"))
    pictures.delete(kept.id)
    back = pictures.restore(kept.id)
    assert pictures.restore(kept.id) == back == replace(kept, updated_at=back.updated_at)
    assert search(pictures, tag="bold") == search(pictures, text="leans") == [1]
    assert pictures.list(Wish(), in_trash=True).items == ()


def test_keeping_again_restores(pictures: PictureStore) -> None:
    kept = keep(pictures, 1, marks=Marks(note="mine"))
    pictures.delete(kept.id)
    back, is_new = pictures.keep(new(1), b"png 1", Marks())
    assert (back.id, back.note, back.deleted_at, is_new) == (kept.id, "mine", None, False)
    assert search(pictures, text="mine") == [1]


def test_after_thirty_days_in_the_trash_row_and_file_are_removed(
    pictures: PictureStore, database: Database, directory: Path
) -> None:
    old, young, kept = (keep(pictures, seed, marks=Marks(tags=("bold",))) for seed in range(3))
    for one in (old, young):
        pictures.delete(one.id)
    let_expire(database, young.id, days=TRASH_DAYS - 1)
    assert pictures.remove_expired() == 0
    let_expire(database, old.id)
    assert pictures.remove_expired() == 1
    assert pictures.remove_expired() == 0
    with pytest.raises(PictureNotFoundError):
        pictures.get(old.id)
    with pytest.raises(BlobMissingError):
        pictures.read(old)
    with pytest.raises(BlobMissingError, match=old.digest):
        pictures.require_files([kept, old])
    assert files(directory) == 2
    assert pictures.restore(young.id).tags == ("bold",)
    assert pictures.read(kept) == b"png 2"


def test_a_file_that_another_picture_has_too_stays(pictures: PictureStore, database: Database, directory: Path) -> None:
    first, second = (keep(pictures, seed, png=b"same") for seed in range(2))
    for one in (first, second):
        pictures.delete(one.id)
    let_expire(database, first.id)
    pictures.remove_expired()
    assert pictures.read(second) == b"same"
    let_expire(database, second.id)
    pictures.remove_expired()
    assert files(directory) == 0


def test_what_cannot_be_removed_is_tried_again(
    pictures: PictureStore, database: Database, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(pictures, 1)
    pictures.delete(kept.id)
    let_expire(database, kept.id)

    def refuse(*_: object) -> None:
        raise PermissionError("read-only")

    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "remove", refuse)
        with pytest.raises(PermissionError):
            pictures.remove_expired()
    assert pictures.get(kept.id).id == kept.id
    assert pictures.remove_expired() == 1
    assert files(directory) == 0


# Room


def test_the_gallery_has_room_for_so_many(database: Database, directory: Path) -> None:
    pictures = PictureStore(database, Blobs(directory), Room(pictures=2, size_bytes=1000))
    first, second = (keep(pictures, seed) for seed in range(2))
    pictures.delete(first.id)  # the trash counts, since its files are there
    with pytest.raises(
        GalleryFullError, match="2 pictures of 10 bytes are kept, 1 of them in the trash; 2 pictures may be"
    ):
        keep(pictures, 2)
    assert files(directory) == 2
    assert pictures.keep(new(1), b"png 1", Marks()) == (second, False)  # it was kept before
    assert pictures.keep(new(0), b"png 0", Marks())[0].deleted_at is None  # it was in the trash
    pictures.remove(first.id)
    keep(pictures, 2)


def test_the_gallery_has_room_for_so_many_bytes(database: Database, directory: Path) -> None:
    pictures = PictureStore(database, Blobs(directory), Room(pictures=100, size_bytes=10))
    keep(pictures, 0, png=b"12345")
    with pytest.raises(GalleryFullError, match="10 bytes may be"):
        keep(pictures, 1, png=b"123456")
    keep(pictures, 1, png=b"12345")


def test_many_who_keep_at_once_do_not_pass_the_limit(database: Database, directory: Path) -> None:
    pictures = PictureStore(database, Blobs(directory), Room(pictures=3, size_bytes=1000))
    together = threading.Barrier(6)

    def attempt(seed: int) -> bool:
        together.wait()
        try:
            keep(pictures, seed)
        except GalleryFullError:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(attempt, range(6))) == 3
    assert pictures.count(Wish()) == files(directory) == 3


def test_a_picture_is_removed_for_good_with_its_file(pictures: PictureStore, directory: Path) -> None:
    kept, in_trash, twin = keep(pictures, 1), keep(pictures, 2, png=b"same"), keep(pictures, 3, png=b"same")
    pictures.delete(in_trash.id)
    for one in (kept, in_trash):
        assert pictures.remove(one.id).id == one.id
        with pytest.raises(PictureNotFoundError):
            pictures.remove(one.id)
    assert search(pictures) == search(pictures, family="dcgan") == search(pictures, text="mnist") == [3]
    assert pictures.read(twin) == b"same"
    assert files(directory) == 1


_WRITER = """
import os, sys, time
from pathlib import Path
from store.blobs import Blobs

os.fsync = lambda descriptor: time.sleep(60)
Blobs(Path(sys.argv[1])).put(b"whole")
"""


def test_what_a_killed_writer_left_is_removed(pictures: PictureStore, directory: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(directory)])
    try:
        eventually(lambda: any(one.stat().st_size for one in directory.rglob(".aside-*")))
    finally:
        writer.kill()
        writer.wait()
    kept = keep(pictures, 1, png=b"whole")  # what is left is in nobody's way
    (left,) = directory.rglob(".aside-*")
    pictures.remove_unfinished()
    assert left.exists()  # its writer might be alive
    earlier = left.stat().st_mtime - 3600
    os.utime(left, (earlier, earlier))
    pictures.remove_unfinished()
    assert files(directory) == 1
    assert pictures.read(kept) == b"whole"


def test_a_file_whose_row_was_never_committed_is_removed(pictures: PictureStore, directory: Path) -> None:
    kept = keep(pictures, 1, png=b"kept")
    lost = Blobs(directory).put(b"lost")
    pictures.remove_unfinished()
    assert files(directory) == 2  # its writer might be about to commit
    for file in directory.glob("*/*"):
        earlier = file.stat().st_mtime - 3600
        os.utime(file, (earlier, earlier))
    pictures.remove_unfinished()
    assert pictures.read(kept) == b"kept"
    with pytest.raises(BlobMissingError):
        Blobs(directory).read(lost)
