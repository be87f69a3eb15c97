"""Downloads: `url_private` and renditions of uploads over HTTP, with Slack's check of the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from playground.slack.refusal import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

    from playground.slack.workspace import Workspace

SCOPE = "files:read"
NOT_FOUND = 404
FOUND = 302


def download_routes(workspace: Workspace) -> list[Route]:
    """Return the routes by which an app fetches what people uploaded."""

    async def download(request: Request) -> Response:
        if not _may_read(workspace, request.headers.get("authorization", "")):
            return RedirectResponse(f"/signin?redir={request.url.path}", FOUND)
        try:
            upload = workspace.files.find(request.path_params["key"].partition("-")[2])
        except Refused:
            return PlainTextResponse("file_not_found", NOT_FOUND)
        return Response(upload.content, media_type=upload.mimetype or "application/octet-stream")

    return [
        Route("/files-pri/{key}/{name}", download),
        Route("/files-tmb/{key}/{name}", download),
        Route("/signin", _sign_in),
    ]


async def _sign_in(_request: Request) -> Response:
    """Answer 200 with a page, which is how a missing token goes unnoticed by those who follow redirects."""
    return HTMLResponse("<!doctype html><title>Sign in to Slack</title><p>Sign in to your workspace</p>")


def _may_read(workspace: Workspace, authorization: str) -> bool:
    is_ours = authorization == f"Bearer {workspace.bot_token}" and not workspace.is_token_revoked
    return is_ours and SCOPE in workspace.scopes
