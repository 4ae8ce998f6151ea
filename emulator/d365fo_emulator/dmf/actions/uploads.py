"""Upload addresses."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

from d365fo_emulator.blob.model import PACKAGE_CONTAINER
from d365fo_emulator.odata.errors import ModelStateInvalid

if TYPE_CHECKING:
    from d365fo_emulator.dmf.actions.call import Call

# Window of upload URLs, as recorded: from 5 minutes before to 30 after the call.
BEFORE = dt.timedelta(minutes=5)
UPLOAD_FOR = dt.timedelta(minutes=30)


def get_azure_write_url(call: Call) -> str:
    """An upload URL, as JSON text in a string (documented); same name, same blob (recorded)."""
    name = call["uniqueFileName"]
    if not name:
        raise ModelStateInvalid("uniqueFileName is empty")
    workspace = call.exchange.workspace
    now = workspace.clock.now
    url = call.dmf.at.blob.issue_url(
        call.exchange.base_url, PACKAGE_CONTAINER, name, "rw", now - BEFORE, now + UPLOAD_FOR
    )
    blob_id = f"{{{str(workspace.ids.guid('blob')).upper()}}}"
    return json.dumps({"BlobId": blob_id, "BlobUrl": url}, separators=(",", ":"))
