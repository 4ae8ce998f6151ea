"""The log on standard error: one plain line, or one JSON object, for each event."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys

from d365fo_emulator.journal.model import Entry

LOGGER = "d365fo_emulator"


class JsonLines(logging.Formatter):
    """One JSON object a line, with what the event carries beside its text."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        document = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_exchange(record),
        }
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """One plain line; a request's line has its own time (the workspace's) in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        if hasattr(record, "exchange"):
            return record.getMessage()
        return super().format(record)


def _exchange(record: logging.LogRecord) -> dict[str, object]:
    """What the event of a request carries: the journal's entry of it."""
    entry = getattr(record, "exchange", None)
    if not isinstance(entry, Entry):
        return {}
    return {
        "requestId": entry.id,
        "surface": entry.surface,
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "reason": entry.reason,
        "clientId": entry.caller,
        "facts": dict(entry.facts),
    }


def configure_log(form: str, level: str) -> None:
    """Sends our events of at least `level` to standard error, in this form (`text`, `json`)."""
    handler = logging.StreamHandler(sys.stderr)
    if form == "json":
        handler.setFormatter(JsonLines())
    else:
        handler.setFormatter(TextLines("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger(LOGGER)
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
