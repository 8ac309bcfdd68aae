"""Where the service is that the command line speaks to, and what is said of a setting that is wrong."""

import re
from collections.abc import Callable

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from store.faults import tell_fault


class ClientSettings(BaseSettings):
    """Which service the command line speaks to."""

    model_config = SettingsConfigDict(
        env_prefix="GANERY_", env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    url: str = Field("http://127.0.0.1:8000", description="the address of the service")


def explain(error: ValidationError, model: type[BaseModel], name: Callable[[str], str] = str) -> str:
    """Say in a line for each wrong value what came, and what would have been right. name: renames a field."""
    lines, schema = [], model.model_json_schema()
    for item in error.errors():
        field, *rest = map(str, item["loc"])
        told = tell_fault({**item, "input": _without_password(item["input"])}, schema)
        lines.append(f"{'.'.join([name(field), *rest])}: {told}")
    return "\n".join(lines)


def variable(kind: type[BaseSettings], field: str) -> str:
    """Return the environment variable of a field; pydantic tells one that has an alias by that."""
    return f"{kind.model_config['env_prefix']}{field}".upper() if field in kind.model_fields else field


def _without_password(value: object) -> object:
    """Blank what stands before the @ of a URL."""
    return re.sub(r"//[^/@]*@", "//***@", value) if isinstance(value, str) else value
