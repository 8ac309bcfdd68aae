"""Performs scenarios side by side: most of the time each waits."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import TypeVar

from tests.chaos.scenarios import Scenario
from tests.chaos.stack import Result, Stack, new_stack

T = TypeVar("T")

LANES = 2


class Stage:
    """As many stacks as there are lanes; each goes through much, and is replaced after a failure."""

    def __init__(self, stacks: ExitStack) -> None:
        self._stacks = stacks
        self._idle: SimpleQueue[Stack] = SimpleQueue()
        for _ in range(LANES):
            self._add_stack()

    def run_undisturbed(self) -> Result:
        """Train, and leave it alone."""
        return self._with_stack(_run_undisturbed)

    def play(self, scenario: Scenario, undisturbed: Future[Result]) -> None:
        """Perform a scenario on an idle stack."""
        self._with_stack(lambda stack: scenario(stack, undisturbed.result))

    def _with_stack(self, act: Callable[[Stack], T]) -> T:
        stack = self._idle.get()
        try:
            stack.heal()
            result = act(stack)
        except BaseException:
            stack.close()
            self._add_stack()
            raise
        self._idle.put(stack)
        return result

    def _add_stack(self) -> None:
        self._idle.put(self._stacks.enter_context(new_stack()))


@contextmanager
def perform(scenarios: Mapping[str, Scenario]) -> Iterator[dict[str, Future[None]]]:
    """Perform them in their order."""
    with ThreadPoolExecutor(LANES) as lanes, ExitStack() as stacks:  # a stack that is closed ends its scenario
        stage = Stage(stacks)
        undisturbed = lanes.submit(stage.run_undisturbed)
        try:
            yield {name: lanes.submit(stage.play, play, undisturbed) for name, play in scenarios.items()}
        finally:
            lanes.shutdown(wait=False, cancel_futures=True)


def _run_undisturbed(stack: Stack) -> Result:
    job = stack.finish(stack.submit())
    assert job.attempt == 1
    assert stack.states(job.id) == ["queued", "running", "succeeded"]
    return stack.result(job.id)
