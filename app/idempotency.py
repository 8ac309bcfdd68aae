"""The header by which a repeated request creates nothing again."""

import hashlib
import json
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel

from store.faults import RULE

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        json_schema_extra={RULE: "1 to 255 letters, digits and signs of ASCII, without spaces"},
        description="a repeat with the same key and body within 24 hours gets what the first one created",
    ),
]


def digest(wish: BaseModel) -> str:
    """Return a digest that does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(wish.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
