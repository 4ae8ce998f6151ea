"""The only place that reads time.

Each workspace has one :class:`Clock`. Tokens, SAS windows, timelines and retention ask it and
nothing else. What falls due as time passes is not kept here: whoever has such work registers an
:class:`Agenda`, and the clock runs it, in order of time, whenever time is moved.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from d365fo_emulator.kernel.errors import ClockRefused

if TYPE_CHECKING:
    from collections.abc import Callable

UTC = dt.UTC


class ClockMode(StrEnum):
    """How a workspace's time passes.

    ``real``: with the machine's. ``virtual``: stands still, moves by ``advance`` alone.
    ``auto``: as virtual, but a state poll that found nothing due moves it on to the next due step.
    """

    REAL = "real"
    AUTO = "auto"
    VIRTUAL = "virtual"


def system_now() -> dt.datetime:
    """The machine's time, in UTC."""
    return dt.datetime.now(UTC)  # noqa: TID251  the one place


def instant_text(instant: dt.datetime) -> str:
    """An instant as our documents have it: UTC, with no more of a fraction than there is."""
    text = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{instant.microsecond:06d}".rstrip("0") if instant.microsecond else ""
    return f"{text}{fraction}Z"


@dataclass(frozen=True)
class Ran:
    """One piece of due work that a move of the clock has run."""

    at: dt.datetime
    what: str


class Agenda(Protocol):
    """Work that falls due by a workspace's clock."""

    def next_due(self) -> dt.datetime | None:
        """When the earliest piece of work falls due; None when there is none."""
        ...

    def run_due(self, now: dt.datetime) -> list[Ran]:
        """Runs everything due at or before `now` and returns when it is done.

        That includes work that other threads have begun.
        """
        ...

    def time_passes(self) -> None:
        """Time passes by itself from now on: nobody will call `run_due` when work falls due."""
        ...


class Clock:
    """The time of one workspace; safe to use from several threads.

    Args:
        mode: see :class:`ClockMode`.
        start: where an auto or virtual clock begins; default: the machine's time, whole seconds.
        source: the machine's time; tests put their own.

    """

    def __init__(
        self,
        mode: ClockMode = ClockMode.REAL,
        start: dt.datetime | None = None,
        source: Callable[[], dt.datetime] = system_now,
    ) -> None:
        self._mode = mode
        self._source = source
        self._offset = dt.timedelta()
        self._still = start or source().replace(microsecond=0)
        if mode is ClockMode.REAL and start is not None:
            self._offset = start - source()
        self._agendas: list[Agenda] = []
        self._moving = threading.RLock()

    @property
    def mode(self) -> ClockMode:
        """How time passes now."""
        return self._mode

    @property
    def now(self) -> dt.datetime:
        """The workspace's present time, in UTC."""
        if self._mode is ClockMode.REAL:
            return self._source() + self._offset
        return self._still

    def register(self, agenda: Agenda) -> None:
        """Has `agenda` run whenever time is moved."""
        self._agendas.append(agenda)

    def next_due(self) -> dt.datetime | None:
        """When the earliest registered work falls due."""
        dues = [due for agenda in self._agendas if (due := agenda.next_due()) is not None]
        return min(dues, default=None)

    def freeze(self) -> None:
        """Stops time where it is; the mode becomes virtual."""
        with self._moving:
            self._still = self.now
            self._mode = ClockMode.VIRTUAL

    def resume(self) -> None:
        """Lets time pass with the machine's again, from where it stands: it never jumps back."""
        with self._moving:
            self._offset = self.now - self._source()
            self._mode = ClockMode.REAL
        for agenda in self._agendas:
            agenda.time_passes()

    def use(self, mode: ClockMode) -> None:
        """Lets time pass in another way from now on; it goes on from where it stands."""
        with self._moving:
            if mode is ClockMode.REAL:
                self.resume()
            elif mode is not self._mode:
                self.freeze()
                self._mode = mode

    def advance(self, by: dt.timedelta) -> list[Ran]:
        """Moves time on and runs everything that falls due on the way, each at its own time.

        An auto clock becomes virtual by it. Returns when all of it has run.

        Raises:
            ClockRefused: `by` is negative.

        """
        if by < dt.timedelta():
            raise ClockRefused("the clock cannot be moved backwards")
        with self._moving:
            if self._mode is ClockMode.AUTO:
                self._mode = ClockMode.VIRTUAL
            return self._move_to(self.now + by)

    def skip_to(self, instant: dt.datetime) -> list[Ran]:
        """Moves an auto clock on to `instant`, keeping its mode; does nothing in other modes."""
        with self._moving:
            if self._mode is not ClockMode.AUTO:
                return []
            return self._move_to(max(instant, self._still))

    def _move_to(self, target: dt.datetime) -> list[Ran]:
        ran = self._run_due()  # work under way first: what follows its end may fall due as well
        while (due := self.next_due()) is not None and due <= target:
            self._set(max(due, self.now))
            done = self._run_due()
            if not done and self.next_due() == due:
                break  # whoever has it is no more: a workspace that was closed meanwhile
            ran += done
        self._set(target)
        return ran

    def _run_due(self) -> list[Ran]:
        now = self.now
        return [ran for agenda in self._agendas for ran in agenda.run_due(now)]

    def _set(self, instant: dt.datetime) -> None:
        if self._mode is ClockMode.REAL:
            self._offset = max(self._offset, instant - self._source())
        else:
            self._still = max(self._still, instant)
