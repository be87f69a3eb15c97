"""The endpoint as anyone on the internet reaches it: one request that Slack did not sign."""

from __future__ import annotations

import http.client

from router.adapters.aws_http import endpoint_at
from router.errors import EndpointUnavailable

PATIENCE_S = 10.0
"""Three times what Slack grants: what comes later than that does not come."""


def post_unsigned(url: str) -> int:
    """Post an empty object without a signature, and return the HTTP status; redirects are not followed.

    Raises SettingsError when `url` is none, and EndpointUnavailable when nothing answers there.
    """
    endpoint = endpoint_at("--url", url)
    connection = endpoint.connect()
    connection.timeout = PATIENCE_S
    try:
        connection.request("POST", endpoint.path, b"{}", {"content-type": "application/json"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise EndpointUnavailable(f"the endpoint: {type(error).__name__}") from error
    finally:
        connection.close()
