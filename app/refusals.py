"""What the service itself refuses, beside what the layers below it refuse.

    RefusedError
    ├── ParameterError             a query parameter whose value is of no use here
    ├── FieldError                 a field of the body whose value is of no use here
    ├── MediaTypeError             a body that is not said to be of the type that is taken
    ├── UnreadablePictureError     a body that is no picture
    ├── BlankPictureError          a picture on which nothing is to be seen
    ├── NoRecipeError              a picture that does not tell how it was made
    ├── OtherWeightsError          a checkpoint's weights are not those that drew a picture
    ├── NoSuchCheckpointError      neither a checkpoint nor an alias
    │   └── DeletedCheckpointError removed while it was being read
    ├── NoCheckpointOfFamilyError
    ├── NothingJudgedError
    ├── SampleNotFoundError
    ├── NoSamplesError
    ├── ProblemTypeNotFoundError
    ├── BusyError                  too many grids are waiting to be drawn, or one has too long
    └── NotReadyError              the service cannot answer yet

`errors.py` says with which status each is answered.
"""

import json
from collections.abc import Mapping


class RefusedError(Exception):
    """The root of all errors that the service raises itself."""


class ParameterError(RefusedError):
    """A query parameter whose value is of no use here."""

    def __init__(self, parameter: str, detail: str) -> None:
        self.parameter, self.detail = parameter, detail
        super().__init__(f"{parameter}: {detail}")


class FieldError(RefusedError):
    """A field of the body whose value is of no use here. field: the way to it, with dots between."""

    def __init__(self, field: str, detail: str) -> None:
        self.field, self.detail = field, detail
        super().__init__(f"{field}: {detail}")


class MediaTypeError(RefusedError):
    """A body that is said to be of another type, or of none: a page of another site could send such without asking."""

    def __init__(self, came: str | None, wanted: str) -> None:
        self.came, self.wanted = came, wanted
        told = "no Content-Type" if came is None else f"Content-Type {came!r}"
        super().__init__(f"{told} came; send the body with Content-Type: {wanted}")


class UnreadablePictureError(RefusedError):
    """A body that is no picture which can be read, or too large a one."""


class BlankPictureError(RefusedError):
    """A picture on which nothing is to be seen, so that nothing could be like it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the picture shows nothing, {reason}: draw something bright on black")


class NoRecipeError(RefusedError):
    """A PNG that does not tell how it was made, or tells what no recipe of this version is."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}: send a PNG as GET /generate or GET /latent/... answers it, saved without changes")


class OtherWeightsError(RefusedError):
    """The checkpoint of this id has other weights than those that drew a picture, so nothing can be compared."""

    def __init__(self, checkpoint_id: str, told: str, found: str) -> None:
        self.checkpoint_id, self.told, self.found = checkpoint_id, told, found
        super().__init__(
            f"weights of sha256 {told[:12]}… drew the picture, but checkpoint {checkpoint_id} has {found[:12]}… here: "
            "ask a service that has the picture's own checkpoint"
        )


class NoSuchCheckpointError(RefusedError):
    """Nothing that pictures can be drawn from has this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no checkpoint and no alias is called {name!r}: GET /checkpoints and GET /aliases list them")


class DeletedCheckpointError(NoSuchCheckpointError):
    """The checkpoint was removed while it was being read."""

    def __init__(self, name: str) -> None:
        self.name = name
        RefusedError.__init__(
            self, f"the checkpoint {name!r} was deleted: its job keeps others; GET /checkpoints lists what there is"
        )


class NoCheckpointOfFamilyError(RefusedError):
    """Nobody has trained this family, or none on this data set."""

    def __init__(self, family: str | None, dataset: str | None = None) -> None:
        self.family, self.dataset = family, dataset
        wish = {name: value for name, value in (("family", family), ("dataset", dataset)) if value is not None}
        what = " on ".join(wish.values())
        super().__init__(f"there is no checkpoint of {what} yet: train one with POST /train {json.dumps(wish)}")


class NothingJudgedError(RefusedError):
    """There are checkpoints, and none whose pictures were judged."""

    def __init__(self, family: str | None, dataset: str, newest: str) -> None:
        self.family, self.dataset, self.newest = family, dataset, newest
        what = dataset if family is None else f"{family} on {dataset}"
        super().__init__(
            f"no checkpoint of {what} is judged yet by today's judge, so none is the best: ask for "
            f"checkpoint={newest}, the newest, or wait for the job's first judgement, which needs a classifier of the "
            "data set"
        )


class SampleNotFoundError(RefusedError):
    """The job has no sample grid of this step."""

    def __init__(self, job_id: str, step: int) -> None:
        self.job_id, self.step = job_id, step
        super().__init__(
            f"job {job_id} has no sample of step {step}; its 'sample' events, at /jobs/{job_id}/events, tell which"
        )


class NoSamplesError(RefusedError):
    """The job has drawn no sample grid yet, or they are gone."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} has no sample grid to make a film of: it draws the first when it begins")


class ProblemTypeNotFoundError(RefusedError):
    """No problem of ours is called so."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no type of problem is called {name!r}: GET /problems lists them")


class BusyError(RefusedError):
    """What is asked for cannot be drawn just now: too many wait for their turn, or its parts are being replaced."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}: try again in a few seconds")


class NotReadyError(RefusedError):
    """The service cannot answer yet. checks: what was looked at, and what was found."""

    def __init__(self, checks: Mapping[str, str]) -> None:
        self.checks = checks
        super().__init__("; ".join(f"{name}: {found}" for name, found in checks.items()))
