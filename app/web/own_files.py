"""The files that pages are made of, as they were released."""

from os import PathLike, stat_result

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.caching import REVALIDATE


class OwnFiles(StaticFiles):
    """Files that a browser keeps, and asks about each time: after an upgrade no old script meets a new page."""

    def file_response(
        self, full_path: PathLike[str] | str, stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the file, or 304 to a client that has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = REVALIDATE
        return response
