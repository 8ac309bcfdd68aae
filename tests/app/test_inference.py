"""What bounds the engine: memory by what was used least lately, work by turns."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.pictures.inference import LeastRecentlyUsed, SharedWork, Turns
from app.refusals import BusyError
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
    shared, begun, finish = SharedWork[int](), threading.Event(), threading.Event()
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
    shared = SharedWork[int]()
    with pytest.raises(ZeroDivisionError):
        shared.run("grid", lambda: 1 // 0)
    assert shared.run("grid", lambda: 1) == 1
