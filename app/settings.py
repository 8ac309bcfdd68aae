"""The settings of the web process, from environment variables that begin with GANERY_."""

from pathlib import Path

from pydantic import Field

from store.settings import StoreSettings


class AppSettings(StoreSettings):
    """What the web process may use: bytes, threads, memory, and how often it looks."""

    body_limit_bytes: int = Field(2**20, ge=1, description="the largest request body")
    upload_limit_bytes: int = Field(2**24, ge=1, description="the largest PNG for POST /recall and POST /verify")
    allowed_hosts: str = Field(
        "", description="names by which requests may call the service, with commas between; any where empty"
    )
    queue_limit: int = Field(100, ge=1, description="jobs that may be queued before POST /train answers 429")
    study_queue_limit: int = Field(
        500, ge=1, description="jobs of studies that may be queued; POST /studies answers 429 where more would be"
    )
    pictures_limit: int = Field(
        100_000, ge=1, description="pictures that may be kept before POST /pictures answers 507; the trash counts"
    )
    pictures_limit_bytes: int = Field(10 * 2**30, ge=1, description="bytes of all pictures that are kept, likewise")
    max_candidates: int = Field(
        20_480, ge=1, description="pictures that one grid may be chosen from, burn-ins of drs among them"
    )
    max_pixels: int = Field(
        64_000_000, ge=1, description="pixels of the largest grid, and of all frames of a film together"
    )
    concurrent_grids: int = Field(2, ge=1, description="grids that are drawn at once, a thread each")
    waiting_grids: int = Field(
        16, ge=0, description="requests that may wait for their turn to draw, and as many again for what others draw"
    )
    wait_seconds: float = Field(60, gt=0, description="how long a request waits for its turn to draw")
    samplers_kept: int = Field(4, ge=1, description="checkpoints that stay in memory")
    picture_cache_bytes: int = Field(64 * 2**20, ge=0, description="memory for rendered grids")
    thumbnail_cache_bytes: int = Field(32 * 2**20, ge=0, description="memory for thumbnails of kept pictures")
    film_cache_bytes: int = Field(32 * 2**20, ge=0, description="memory for films of trainings")
    dataset_cache_bytes: int = Field(512 * 2**20, ge=0, description="memory for training pictures to compare with")
    event_poll_seconds: float = Field(0.5, gt=0, description="pause between looks for new events")
    keep_alive_seconds: float = Field(15, gt=0, description="silence after which an event stream sends a comment")
    log_requests: bool = Field(False, description="whether each request is a line of JSON on the standard output")

    @property
    def directions(self) -> Path:
        """Where the directions are kept that were found in the latents of checkpoints."""
        return self.data_dir / "directions"
