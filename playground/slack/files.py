"""Files: what people upload, kept in memory and handed to those who show the app's token.

As Slack does it: `url_private` answers 200 only with a token that has `files:read`; anyone else is sent to
the page for signing in. Renditions of images are the image itself: nothing is scaled here.
Source: https://docs.slack.dev/reference/objects/file-object
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playground.slack.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

RENDITIONS = (360, 720, 1024)
"""Sides in pixels of some of the renditions that Slack makes of an image."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file."""

    id: str
    name: str
    mimetype: str
    content: bytes


class Files:
    """Keeps uploads by their id. `base` is where they are served."""

    def __init__(self) -> None:
        self.base = "https://files.slack.com"
        self._uploads: dict[str, Upload] = {}

    def keep(self, file_id: str, team: str, user: str, file: Mapping[str, Any]) -> Json:
        """Keep a file (`name`, `mimetype` and `content`, empty if absent) and return Slack's file object."""
        name, mimetype = str(file["name"]), str(file.get("mimetype", ""))
        upload = Upload(file_id, name, mimetype, file.get("content", b""))
        self._uploads[file_id] = upload
        private = f"{self.base}/files-pri/{team}-{file_id}/{name}"
        return {
            "id": file_id,
            "name": name,
            "title": name,
            "mimetype": mimetype,
            "filetype": name.rpartition(".")[2].lower(),
            "size": len(upload.content),
            "mode": "hosted",
            "user": user,
            "url_private": private,
            "url_private_download": private,
            **self._renditions(upload, team),
        }

    def find(self, file_id: str) -> Upload:
        """Return an upload. Raises Refused("file_not_found")."""
        if file_id not in self._uploads:
            raise Refused("file_not_found")
        return self._uploads[file_id]

    def _renditions(self, upload: Upload, team: str) -> Json:
        if not upload.mimetype.startswith("image/") or not upload.content:
            return {}
        at = f"{self.base}/files-tmb/{team}-{upload.id}"
        return {f"thumb_{side}": f"{at}/{upload.name}?side={side}" for side in RENDITIONS}
