"""One Flask application per wire dialect, whose every error body is the dialect's own.

Blueprints in one application cannot have that: unknown paths and wrong methods would get Flask's
HTML page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response

_BODY_HEADERS = frozenset({"content-type", "content-length"})


def build_app(import_name: str, error_body: Callable[[int, str], Response]) -> Flask:
    """A Flask application without Flask's own habits.

    No static folder, no redirects for slashes, no merging of them (blob names may have several in
    a row), no OPTIONS by itself. Exceptions that no handler knows go on to the gateway, whose
    rule is the only one.

    Args:
        import_name: the module's `__name__`.
        error_body: makes the answer to a status (404, 405, 413, 415…) and a text for the log.

    """
    app = Flask(import_name, static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False

    def refused(error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.response is not None:
            return error  # abort(response): the handler made its own
        response = error_body(error.code, error.description or error.name)
        for name, value in error.get_headers():
            if name.lower() not in _BODY_HEADERS:
                response.headers[name] = value  # Allow of a 405, Retry-After
        return response

    app.register_error_handler(HTTPException, refused)
    return app
