"""A zip file made while it is sent: one entry is in memory at a time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zipfile import ZIP_STORED, ZipFile, ZipInfo

MEDIA_TYPE = "application/zip"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to be: read is called when its turn comes."""

    name: str
    modified_at: float
    read: Callable[[], bytes]


class _Outlet:
    """Takes what the zip file writes, until it is fetched. It cannot go back, so the zip file never tries."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def fetch(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def stream_zip(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yield a zip file piece by piece. Nothing is compressed: pictures are already. Raises what `read` raises."""
    outlet = _Outlet()
    with ZipFile(outlet, "w", ZIP_STORED) as file:  # type: ignore[call-overload]
        for entry in entries:
            modified = datetime.fromtimestamp(entry.modified_at, UTC).timetuple()[:6]
            file.writestr(ZipInfo(entry.name, modified), entry.read())
            yield outlet.fetch()
    yield outlet.fetch()
