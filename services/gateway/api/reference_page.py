"""``/docs``: the OpenAPI document to read and search in a browser, with every asset served from here.

The assets are those of Swagger UI that come with the package fastapi-offline. Nothing is fetched from elsewhere: a
gateway may stand in a network that reaches nothing else. Requests cannot be sent from the page, which has no key.
"""

from importlib.resources import files

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Safeguarding exchange</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon.png">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({url: "openapi.json", dom_id: "#page", deepLinking: true, supportedSubmitMethods: []});
"""
_TYPES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
_HEADERS = {
    # Swagger UI writes style attributes and shows its icons from data: addresses; nothing else may come in or go out.
    "content-security-policy": (
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; "
        "style-src 'self' 'unsafe-inline'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def add_reference_page(app: FastAPI) -> None:
    """Add the page and its assets to the application, outside its description."""
    app.add_api_route("/docs", _get_page, methods=["GET"], include_in_schema=False, response_model=None)
    app.add_api_route("/docs/{asset}", _get_asset, methods=["GET"], include_in_schema=False, response_model=None)


async def _get_page(_request: Request) -> Response:
    return Response(_PAGE, media_type="text/html", headers=_HEADERS)


async def _get_asset(request: Request) -> Response:
    name = str(request.path_params["asset"])
    if name == "start.js":
        return Response(_START, media_type="text/javascript", headers=_HEADERS)
    if name not in _TYPES:
        raise HTTPException(404)
    content = (files("fastapi_offline") / "static" / name).read_bytes()
    return Response(content, media_type=_TYPES[name], headers={**_HEADERS, "cache-control": "max-age=86400"})
