"""What keeps many requests from doing work too often, or too much of it at once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from typing import Generic, TypeVar

from app.refusals import BusyError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LeastRecentlyUsed(Generic[K, V]):
    """Keeps values as long as their sizes together stay within a limit; the least recently used go first."""

    def __init__(self, limit: int, size: Callable[[V], int] = lambda value: 1) -> None:
        self._limit, self._size = limit, size
        self._values: OrderedDict[K, V] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return the value of the key: None if it is not kept."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: K, value: V) -> None:
        """Keep the value, if it fits at all."""
        size = self._size(value)
        with self._lock:
            if key in self._values:
                self._total -= self._size(self._values.pop(key))
            if size > self._limit:
                return
            self._values[key] = value
            self._total += size
            while self._total > self._limit:
                self._total -= self._size(self._values.popitem(last=False)[1])


class Turns:
    """Lets few in at once, and few wait: for a turn, or for what another makes. Each who waits holds a thread."""

    def __init__(self, at_once: int, waiting: int, wait_seconds: float) -> None:
        self._turns = threading.Semaphore(at_once)
        self._places = threading.Semaphore(at_once + waiting)
        self._followers = threading.Semaphore(waiting)
        self._waiting, self._wait_seconds = waiting, wait_seconds
        self.threads = at_once + 2 * waiting
        """So many can be in here at once, whether they work or wait."""

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn and hold it. Raises BusyError at once if too many wait, or when it takes too long."""
        if not self._places.acquire(blocking=False):
            raise BusyError(f"{self._waiting} requests may wait for their turn to draw, and as many do")
        try:
            if not self._turns.acquire(timeout=self._wait_seconds):
                raise BusyError(f"no turn to draw came within {self._wait_seconds:g} seconds")
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()

    def follow(self, future: Future[V]) -> V:
        """Wait for what another makes. Raises BusyError as `taken` does, and what the other's work raises."""
        if future.done():
            return future.result()
        if not self._followers.acquire(blocking=False):
            raise BusyError(f"{self._waiting} requests may wait for what others have begun, and as many do")
        try:
            future.exception(self._wait_seconds)
        except TimeoutError:
            raise BusyError(f"what another has begun was not done within {self._wait_seconds:g} seconds") from None
        finally:
            self._followers.release()
        return future.result()


class SharedWork(Generic[V]):
    """Lets work that several ask for at once be done once.

    turns: bound how many wait; None where all who ask hold a turn already.
    """

    def __init__(self, turns: Turns | None) -> None:
        self._turns = turns
        self._under_way: dict[str, Future[V]] = {}
        self._lock = threading.Lock()

    def run(self, key: str, work: Callable[[], V]) -> V:
        """Do the work, or wait for the one who does it under this key; all get the same value or error.

        Raises BusyError where too many wait, or for too long.
        """
        with self._lock:
            future = self._under_way.get(key)
            if is_first := future is None:
                future = self._under_way[key] = Future()
        if not is_first:
            return future.result() if self._turns is None else self._turns.follow(future)
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        finally:
            with self._lock:
                del self._under_way[key]
        return future.result()


class KeptWork(Generic[V]):
    """Makes values in turns, each once however many ask for it, and keeps them as long as there is room.

    turns: None where whoever asks holds a turn already. limit, size: as of LeastRecentlyUsed.
    """

    def __init__(self, turns: Turns | None, limit: int, size: Callable[[V], int] = lambda value: 1) -> None:
        self._turns = turns
        self._kept: LeastRecentlyUsed[str, V] = LeastRecentlyUsed(limit, size)
        self._shared = SharedWork[V](turns)

    def find(self, key: str) -> V | None:
        """Return the value of the key: None if it is not kept."""
        return self._kept.get(key)

    def make(self, key: str, work: Callable[[], V]) -> V:
        """Return the value that is kept, or that another makes, or else do the work. Raises BusyError."""
        kept = self.find(key)
        return self._shared.run(key, lambda: self._make(key, work)) if kept is None else kept

    def _make(self, key: str, work: Callable[[], V]) -> V:
        if (kept := self.find(key)) is not None:
            return kept
        with nullcontext() if self._turns is None else self._turns.taken():
            value = work()
        self._kept.put(key, value)
        return value
