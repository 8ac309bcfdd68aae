"""`ganery generate --local`: the web service's own answer, asked for inside this process."""

import asyncio
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import torch

from app.main import create_app
from app.pictures.catalogue import Catalogue, KnownCheckpoint, in_directory
from app.settings import AppSettings
from checkpoints.format import CheckpointError, CheckpointMissingError
from ganery.client import Client, ClientError, Picture
from store.errors import StoreError

ERRORS = (CheckpointError, ClientError, OSError, StoreError)
"""What a person can mend."""

_URL = "http://ganery"


class OneCheckpoint(Catalogue):
    """Knows the checkpoint of a directory alone, whatever it is called."""

    def __init__(self, directory: Path) -> None:
        self._only = in_directory(directory)

    def find(self, checkpoint_id: str) -> KnownCheckpoint:
        """Return the one."""
        return self._only

    def newest(self, family: str | None = None, *, dataset: str | None = None) -> KnownCheckpoint:
        """Return the one."""
        return self._only

    def best(self, dataset: str, *, family: str | None = None) -> KnownCheckpoint:
        """Return the one."""
        return self._only


class InThisProcess(httpx.BaseTransport):
    """Hands requests to an ASGI application without a network."""

    def __init__(self, app: Any) -> None:
        self._inside = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the application's answer, whole."""
        return asyncio.run(self._ask(request))

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        reply = await self._inside.handle_async_request(request)
        return httpx.Response(reply.status_code, headers=reply.headers, content=await reply.aread())


def generate(parameters: Mapping[str, Any], settings: AppSettings) -> Picture:
    """Draw a grid, the service's to the last byte; `checkpoint` may be a directory. Raises one of ERRORS."""
    torch.set_num_threads(1)  # as the service does: the sums of a convolution may depend on it
    app = create_app(settings)
    services = app.state.services
    with closing(services.database):
        services.database.migrate()
        named = dict(parameters)
        if _is_directory(named.get("checkpoint", "")):
            only = OneCheckpoint(Path(named.pop("checkpoint")))
            app.state.services = replace(services, catalogue=only)
        with Client(_URL, transport=InThisProcess(app)) as client:
            return client.generate(named)


def _is_directory(checkpoint: str) -> bool:
    """Whether a directory is meant, not an id. Raises CheckpointMissingError where it says so and there is none."""
    if (Path(checkpoint) / "metadata.json").is_file():
        return True
    if "/" in checkpoint:
        raise CheckpointMissingError(Path(checkpoint))
    return False
