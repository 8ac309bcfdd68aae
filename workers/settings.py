"""The settings of a worker, from the environment."""

import os
from pathlib import Path
from socket import gethostname
from typing import Literal

from pydantic import Field

from store.settings import StoreSettings


class WorkerSettings(StoreSettings):
    """How a worker trains, and how patient it is."""

    device: str | None = Field(None, description="a torch device; default cuda where there is one, else cpu")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="of the networks' arithmetic")
    training_threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="CPU threads of a training process"
    )
    niceness: int = Field(10, ge=0, le=19, description="a training steps back so far: someone waits for pictures")
    heartbeat_seconds: float = Field(1, gt=0, description="from heartbeat to heartbeat, or less: see below")
    grace_seconds: float = Field(60, gt=0, description="a training that should stop is killed after so long")

    @property
    def heartbeat_interval(self) -> float:
        """Seconds from heartbeat to heartbeat: several fit into a lease."""
        return min(self.heartbeat_seconds, self.lease_seconds / 4)

    @property
    def alive(self) -> Path:
        """The file whose time says when this host's worker last looked around: health checks read it."""
        return self.data_dir / f"worker-{gethostname()}.alive"
