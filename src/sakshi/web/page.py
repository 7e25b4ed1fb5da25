"""The page: the files that `ui/` is built into, with the right cache headers.

/              index.html: asked for anew each time
/assets/*      names carry a hash of the content: kept for a year
/favicon.svg   and whatever else lies beside index.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

STATIC: Final = Path(__file__).parent / "static"
NOT_BUILT: Final = (
    "The page is not built. In the source tree, build it with:\n\n    make page\n\n"
    "The API is here all the same: /api/v1/query, /api/v1/alerts, /metrics, the WebSocket /ws.\n"
)
_FOREVER: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "no-cache"


class Page:
    """Serves the built page.

    Args:
        folder: with `index.html` and `assets/`; may be missing, or come to be while sakshi runs.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder

    async def index(self, request: Request) -> Response:
        """Answer the page, or how to build it."""
        if not (self._folder / "index.html").is_file():
            return PlainTextResponse(NOT_BUILT)
        return self._file("index.html", _REVALIDATE)

    async def asset(self, request: Request) -> Response:
        """Answer a file of `assets/`."""
        return self._file(f"assets/{request.path_params['name']}", _FOREVER)

    async def beside(self, request: Request) -> Response:
        """Answer another file that lies beside `index.html`."""
        return self._file(request.path_params["name"], _REVALIDATE)

    def _file(self, name: str, cache_control: str) -> Response:
        try:
            path = (self._folder / name).resolve()
            is_served = path.is_relative_to(self._folder.resolve()) and path.is_file()
        except (OSError, ValueError):  # a name that no file can have: too long, a zero byte
            is_served = False
        if not is_served:
            raise HTTPException(404)
        return FileResponse(path, headers={"Cache-Control": cache_control})
