"""Many who listen to one job cost the database what one does."""

import asyncio
from typing import Any

from app.feed import Feed


class Counted:
    """Events whose last number is how often it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def last(self, job_id: str) -> int:
        self.asked.append(job_id)
        return len(self.asked)


def new_feed(pause_seconds: float) -> tuple[Feed, Counted]:
    events: Any = Counted()
    return Feed(events, pause_seconds=pause_seconds), events


def test_all_who_ask_at_once_and_soon_after_share_one_answer() -> None:
    feed, events = new_feed(60)

    async def ask() -> list[int]:
        at_once = await asyncio.gather(*(feed.last("a") for _ in range(50)))
        return [*at_once, await feed.last("a")]

    assert asyncio.run(ask()) == [1] * 51
    assert events.asked == ["a"]


def test_jobs_have_answers_of_their_own_and_old_ones_are_forgotten() -> None:
    feed, events = new_feed(0.01)

    async def ask() -> None:
        assert await feed.last("a") == 1
        assert await feed.last("b") == 2
        await asyncio.sleep(0.02)
        assert await feed.last("a") == 3

    asyncio.run(ask())
    assert events.asked == ["a", "b", "a"]
    assert list(feed._known) == ["a"]


def test_one_who_leaves_does_not_stop_the_others() -> None:
    feed, _ = new_feed(60)

    async def ask() -> int:
        leaving, staying = (asyncio.create_task(feed.last("a")) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(ask()) == 1
