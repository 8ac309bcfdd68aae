"""What the store refuses, and why.

    StoreError
    ├── DatabaseUrlError              no database can be opened by this address
    ├── DatabaseUnavailableError      the database does not answer, or stays locked
    ├── NewerSchemaError              a later version of this program wrote the database
    ├── InvalidCursorError            a list's cursor that no list gave out
    ├── NotFoundError
    │   ├── JobNotFoundError
    │   ├── StudyNotFoundError
    │   ├── CheckpointNotFoundError
    │   ├── AliasNotFoundError
    │   └── PictureNotFoundError
    ├── PictureInTrashError           a picture cannot be changed there
    ├── GalleryFullError              as many pictures are kept as may be
    ├── BlobMissingError              a record tells of a file that is gone
    ├── BlobDamagedError              a file is not what its record says
    ├── IdempotencyConflictError      a key was used before, for something else
    ├── QueueFullError
    ├── JobStateError                 a job in this state cannot do that
    └── LeaseLostError                the job belongs to another attempt now

Each carries the value that offended, says what would have been right, and can be sent to another process.
"""

from collections.abc import Iterable


class StoreError(Exception):
    """The root of all errors that the store raises."""


class DatabaseUrlError(StoreError):
    """No database can be opened by this address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        right = "sqlite:///<file> or postgresql://<user>@<host>/<database>"
        return f"cannot open the database {self.url}: {self.reason}; expected {right}"


class DatabaseUnavailableError(StoreError):
    """The database does not answer, or stayed locked for too long. Nothing of the transaction was kept."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"the database {self.url} is not available: {self.reason}"


class NewerSchemaError(StoreError):
    """A later version of this program wrote the database."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known

    def __str__(self) -> str:
        return (
            f"the database has schema {self.found}, which this version does not know; "
            f"it knows up to {self.known}: run the version that wrote it, or a later one"
        )


class InvalidCursorError(StoreError):
    """A cursor that this list did not give out."""

    def __init__(self, cursor: str) -> None:
        super().__init__(cursor)
        self.cursor = cursor

    def __str__(self) -> str:
        return f"{self.cursor!r} is no cursor of this list: pass the next_cursor of an earlier page"


class NotFoundError(StoreError):
    """Nothing has this name."""

    kind = "record"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"there is no {self.kind} {self.name!r}"


class JobNotFoundError(NotFoundError):
    """No job has this id."""

    kind = "job"


class StudyNotFoundError(NotFoundError):
    """No study has this id."""

    kind = "study"


class CheckpointNotFoundError(NotFoundError):
    """No trained checkpoint has this id."""

    kind = "checkpoint"


class AliasNotFoundError(NotFoundError):
    """No alias has this name."""

    kind = "alias"


class PictureNotFoundError(NotFoundError):
    """No picture has this id."""

    kind = "picture"


class PictureInTrashError(StoreError):
    """A picture in the trash can be restored, and not be changed."""

    def __init__(self, picture_id: str) -> None:
        super().__init__(picture_id)
        self.picture_id = picture_id

    def __str__(self) -> str:
        return f"picture {self.picture_id} is in the trash: restore it first, with POST /pictures/{{id}}/restore"


class GalleryFullError(StoreError):
    """As many pictures are kept as may be, or as many bytes of them. in_trash: how many of the pictures are there."""

    def __init__(self, pictures: int, size_bytes: int, in_trash: int, limit: str) -> None:
        super().__init__(pictures, size_bytes, in_trash, limit)
        self.pictures = pictures
        self.size_bytes = size_bytes
        self.in_trash = in_trash
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"{self.pictures:,} pictures of {self.size_bytes:,} bytes are kept, {self.in_trash:,} of them in the "
            f"trash; {self.limit} may be: remove some for good, with DELETE /pictures/{{id}}?for_good=true, those of "
            "GET /pictures?trash=true first; or let whoever runs the service raise the limit"
        )


class BlobMissingError(StoreError):
    """A record tells of a file that is gone."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest

    def __str__(self) -> str:
        return f"the file {self.digest} is gone from the data directory: put it back, or delete the picture"


class BlobDamagedError(StoreError):
    """A file is not what its record says."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest

    def __str__(self) -> str:
        return f"the file {self.digest} is damaged: put back the one of this sha256, or delete the picture"


class IdempotencyConflictError(StoreError):
    """The key belongs to what was created from another body. created: what that is, for example "job 7"."""

    def __init__(self, key: str, created: str) -> None:
        super().__init__(key, created)
        self.key = key
        self.created = created

    def __str__(self) -> str:
        return (
            f"the idempotency key {self.key!r} was used for another request, which created {self.created}: "
            "repeat that request unchanged, or choose a new key"
        )


class QueueFullError(StoreError):
    """As many jobs wait as may. added: those that were to come."""

    def __init__(self, queued: int, limit: int, added: int = 1) -> None:
        super().__init__(queued, limit, added)
        self.queued = queued
        self.limit = limit
        self.added = added

    def __str__(self) -> str:
        if self.added > self.limit:
            return f"{self.added} jobs were to be queued and {self.limit} may be: ask for fewer"
        if self.added == 1:
            return f"{self.queued} jobs are queued and {self.limit} may be: try again when one has started"
        return (
            f"{self.queued} jobs are queued, {self.added} were to come, and {self.limit} may be: "
            "ask for fewer, or try again when some have started"
        )


class JobStateError(StoreError):
    """The job's state does not allow the change."""

    def __init__(self, job_id: str, change: str, state: str, allowed: Iterable[str]) -> None:
        self.job_id = job_id
        self.change = change
        self.state = state
        self.allowed = tuple(sorted(allowed))
        super().__init__(job_id, change, state, self.allowed)

    def __str__(self) -> str:
        needed = " or ".join(self.allowed)
        return f"job {self.job_id} is {self.state}: {str(self.change)!r} needs it to be {needed}"


class LeaseLostError(StoreError):
    """The claim holds the job no more. Its holder stops and writes nothing."""

    def __init__(self, job_id: str, owner: str, token: int) -> None:
        super().__init__(job_id, owner, token)
        self.job_id = job_id
        self.owner = owner
        self.token = token

    def __str__(self) -> str:
        return (
            f"{self.owner} has lost job {self.job_id} (token {self.token}): its lease was over, "
            "and the job was given to another attempt or settled; stop, and write nothing"
        )
