"""Write the OpenAPI document of this version to a file: `python -m app.export docs/openapi.json`."""

import sys
import tempfile
from pathlib import Path

from app.main import create_app
from app.openapi import render
from app.settings import AppSettings


def main(file: Path) -> None:
    """Build an app that serves nothing, and write its document."""
    with tempfile.TemporaryDirectory() as directory:
        file.write_text(render(create_app(AppSettings(data_dir=Path(directory)))), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
