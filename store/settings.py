"""The settings that the web process and the workers share; both take them from the environment."""

from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from store.database import sqlite_url


def _require_broker(url: str) -> str:
    """Refuse what Celery could not use: it would say so when it first rings."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"no address of a broker: {error}") from None
    if parts.scheme == "redis+socket":
        place, database = parts.path, parse_qs(parts.query).get("virtual_host", [""])[-1]
    else:
        place, database = parts.hostname or "", parts.path.strip("/")
    if parts.scheme not in {"redis", "rediss", "redis+socket"} or not place:
        raise ValueError("expected redis://host:port/database, rediss://… or redis+socket:///path")
    if database and not database.isdecimal():
        raise ValueError(f"a database has a number, {database!r} is none")
    return url


class StoreSettings(BaseSettings):
    """Where the records lie, and how long a silent worker keeps its job."""

    model_config = SettingsConfigDict(
        env_prefix="GANERY_", env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    data_dir: Path = Field(Path("var"), description="everything that is written at run time lies here")
    database_url: str | None = Field(None, description="SQLAlchemy URL; default a SQLite file in the data directory")
    redis_url: Annotated[str, AfterValidator(_require_broker)] | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="the broker; default the embedded one in the data directory",
    )
    lease_seconds: float = Field(30, gt=0, description="a worker that is silent for so long has lost its job")
    sweep_seconds: float = Field(15, gt=0, description="pause between looks for lost jobs")
    ring_again_seconds: float = Field(60, gt=0, description="a queued job is announced again after so long")

    @property
    def database(self) -> str:
        """The URL of the database that is used."""
        return self.database_url or sqlite_url(self.data_dir.resolve() / "ganery.sqlite")

    @property
    def broker_socket(self) -> Path:
        """Where the embedded broker listens. A unix socket's path must stay under about 100 characters."""
        return self.data_dir.resolve() / "broker" / "s"

    @property
    def broker(self) -> str:
        """The URL of the broker that is used, as Celery takes it."""
        return self.redis_url or socket_url(self.broker_socket)

    @property
    def checkpoints(self) -> Path:
        """The directory of the trained checkpoints; a row's path is relative to it."""
        return self.data_dir / "checkpoints"

    @property
    def pictures(self) -> Path:
        """The directory of the files of kept pictures, by digest."""
        return self.data_dir / "pictures"

    @property
    def datasets(self) -> Path:
        """The cache of the data sets."""
        return self.data_dir / "datasets"

    @property
    def judged(self) -> Path:
        """Where it is kept what judges found in real pictures."""
        return self.data_dir / "judged"

    def job_directory(self, job_id: str) -> Path:
        """Return where a job's log and sample grids lie."""
        return self.data_dir / "jobs" / job_id

    def samples(self, job_id: str) -> Path:
        """Return the directory of a job's sample grids; `sample_name` says how each is called."""
        return self.job_directory(job_id) / "samples"


def socket_url(socket: Path) -> str:
    """Return the address of a broker that listens on a unix socket, whatever characters its path has."""
    return f"redis+socket://{quote(str(socket))}"


def sample_name(step: int) -> str:
    """Return the name of the file that holds the sample grid of a step."""
    return f"{step:08d}.png"
