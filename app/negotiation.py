"""Which of several media types a client would rather have: RFC 9110, section 12.5.1."""

import re

from fastapi import Request

_WEIGHT = re.compile(r"(?:^|;)\s*q\s*=\s*(0(?:\.[0-9]*)?|1(?:\.0*)?)\s*(?:;|$)")


def prefers(request: Request, first: str, second: str) -> bool:
    """Whether the request's `Accept` asks for the first media type rather than for the second.

    Of two that weigh the same, one that is named is wanted rather than one that `*/*` only allows.
    """
    accepted = ",".join(request.headers.getlist("accept"))
    return _weigh(accepted, first) > _weigh(accepted, second)


def _weigh(accepted: str, media_type: str) -> tuple[float, int]:
    """Return the weight of a media type, 0 to 1, and how exactly it is named: by itself 2, by its kind 1, else 0."""
    names = [media_type, f"{media_type.partition('/')[0]}/*", "*/*"]
    found = {}
    for item in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        if name in names:
            found[names.index(name)] = _quality(parameters)
    if not found:
        return 0.0, 0
    best = min(found)
    return (found[best], len(names) - 1 - best) if found[best] else (0.0, 0)


def _quality(parameters: list[str]) -> float:
    """Return the weight that a media range is given; 1 where it is given none that can be read."""
    found = _WEIGHT.search(";".join(parameters))
    return float(found[1]) if found else 1.0
