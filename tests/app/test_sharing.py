"""What bounds the service: memory by what was used least lately, work by turns, waiting by places."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from app.refusals import BusyError
from app.sharing import KeptWork, LeastRecentlyUsed, SharedWork, Turns
from tests.workers.service import eventually


def test_the_least_recently_used_goes_first() -> None:
    kept: LeastRecentlyUsed[str, str] = LeastRecentlyUsed(limit=2)
    kept.put("a", "A")
    kept.put("b", "B")
    assert kept.get("a") == "A"
    kept.put("c", "C")
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == ("A", None, "C")


def test_sizes_are_summed() -> None:
    kept: LeastRecentlyUsed[str, bytes] = LeastRecentlyUsed(limit=10, size=len)
    kept.put("a", b"12345")
    kept.put("a", b"1234")  # replaces: 4
    kept.put("b", b"123456")
    assert kept.get("a") is not None
    kept.put("c", b"1")
    assert kept.get("b") is None
    assert kept.get("a") is not None


def test_what_is_larger_than_all_is_not_kept_and_drives_nothing_out() -> None:
    kept: LeastRecentlyUsed[str, bytes] = LeastRecentlyUsed(limit=3, size=len)
    kept.put("a", b"1")
    kept.put("b", b"1234")
    assert (kept.get("a"), kept.get("b")) == (b"1", None)
    kept.put("a", b"1234")
    assert kept.get("a") is None


def test_few_draw_at_once_and_few_wait() -> None:
    turns = Turns(at_once=1, waiting=1, wait_seconds=60)
    inside, leave = threading.Event(), threading.Event()

    def draw() -> None:
        with turns.taken():
            inside.set()
            leave.wait()

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait()
    eventually(lambda: _is_busy(turns))
    leave.set()
    for thread in threads:
        thread.join()
    assert not _is_busy(turns)


def test_a_wait_has_an_end() -> None:
    turns = Turns(at_once=1, waiting=1, wait_seconds=0.01)
    with turns.taken(), pytest.raises(BusyError), turns.taken():
        pass


def test_a_failure_gives_the_turn_back() -> None:
    turns = Turns(at_once=1, waiting=0, wait_seconds=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), turns.taken():
            raise RuntimeError
    assert not _is_busy(turns)


def _is_busy(turns: Turns) -> bool:
    try:
        with turns.taken():
            return False
    except BusyError:
        return True


def test_work_that_several_ask_for_is_done_once() -> None:
    shared, begun, finish = SharedWork[int](few()), threading.Event(), threading.Event()
    done: list[int] = []

    def work() -> int:
        begun.set()
        finish.wait()
        done.append(1)
        return 7

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(shared.run, "grid", work)
        begun.wait()
        others = [threads.submit(shared.run, "grid", work) for _ in range(2)]
        assert shared.run("another", lambda: 8) == 8
        waiting: Any = shared._under_way["grid"]._condition
        eventually(lambda: len(waiting._waiters) == len(others))
        finish.set()
        assert [one.result() for one in (first, *others)] == [7, 7, 7]
    assert done == [1]
    assert shared.run("grid", lambda: 9) == 9


def test_an_error_in_shared_work_is_everybodys_and_is_not_kept() -> None:
    shared = SharedWork[int](few())
    with pytest.raises(ZeroDivisionError):
        shared.run("grid", lambda: 1 // 0)
    assert shared.run("grid", lambda: 1) == 1


def few(waiting: int = 2, wait_seconds: float = 60) -> Turns:
    return Turns(at_once=1, waiting=waiting, wait_seconds=wait_seconds)


@contextmanager
def begun(kept: KeptWork[int]) -> Iterator[Future[int]]:
    """While it lasts, another thread is at the work "slow"; then the work is done."""
    inside, finish = threading.Event(), threading.Event()

    def work() -> int:
        inside.set()
        finish.wait()
        return 7

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(kept.make, "slow", work)
        inside.wait()
        try:
            yield first
        finally:
            finish.set()


def test_few_wait_for_what_another_makes() -> None:
    kept = KeptWork[int](few(waiting=2), limit=2)
    with ThreadPoolExecutor(2) as threads, begun(kept):
        others = [threads.submit(kept.make, "slow", lambda: 0) for _ in range(2)]
        eventually(lambda: _refuses_to_wait(kept))
    assert [one.result() for one in others] == [7, 7]
    assert not _refuses_to_wait(kept)


def _refuses_to_wait(kept: KeptWork[int]) -> bool:
    turns = kept._turns
    assert turns is not None
    if not turns._followers.acquire(blocking=False):
        with pytest.raises(BusyError, match="2 requests may wait for what others have begun"):
            kept.make("slow", lambda: 0)
        return True
    turns._followers.release()
    return False


def test_a_wait_for_what_another_makes_has_an_end() -> None:
    kept = KeptWork[int](few(wait_seconds=0.01), limit=2)
    with begun(kept) as first, pytest.raises(BusyError, match=r"was not done within 0\.01 seconds"):
        kept.make("slow", lambda: 0)
    assert first.result() == kept.make("slow", lambda: 0) == 7  # it was kept all the same


def test_what_is_kept_takes_no_turn() -> None:
    turns = few()
    kept = KeptWork[int](turns, limit=1)
    assert kept.find("a") is None
    assert kept.make("a", lambda: 1) == 1
    with turns.taken():
        assert (kept.make("a", lambda: 2), kept.find("a")) == (1, 1)
    assert kept.make("b", lambda: 3) == 3
    assert kept.find("a") is None  # there is room for one


def test_work_is_done_in_a_turn() -> None:
    turns = Turns(at_once=1, waiting=0, wait_seconds=1)
    kept = KeptWork[bool](turns, limit=1)
    assert kept.make("a", lambda: _is_busy(turns))
    assert not _is_busy(turns)
