"""The ends of a client's own jobs, told to it without a subscription each.

A subscription per job costs a round trip, and an end that comes before it is missed and has to be asked for: the
slowest one in a hundred results took milliseconds longer for it. The ids that a client gives to single calls carry its
mark, so one pattern hears them all, from before they are enqueued.
"""

from __future__ import annotations

import os
from typing import Final
from weakref import WeakValueDictionary

from invest.engine.redis import keys
from invest.engine.redis.notices import Notices
from invest.engine.redis.signal import Signal
from invest.engine.redis.wire import ID_DIGITS, TIME_DIGITS, new_id

MARK: Final = 4  # hex digits: clients that share one hear a little more than they asked for


class End:
    """What was said of the end of one job; whoever waits for the job keeps it."""

    __slots__ = ("__weakref__", "said", "signal")

    def __init__(self) -> None:
        self.said: bytes | None = None
        self.signal = Signal()

    def told(self, message: bytes) -> None:
        """Take a message; an empty one means that some may have been missed."""
        self.said = message or None
        self.signal.set()


class Ends:
    """Hears the ends of the jobs that were enqueued under `new_id`, from the first `listen` on."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._mark = os.urandom(MARK // 2).hex()
        self._expected: WeakValueDictionary[str, End] = WeakValueDictionary()
        self._begun = False

    def new_id(self) -> str:
        """An id whose end is heard."""
        return new_id(self._mark)

    async def listen(self) -> None:
        """Begin to hear; afterwards it does nothing."""
        if not self._begun:
            self._begun = True
            after = ID_DIGITS - TIME_DIGITS - MARK
            pattern = keys.FINISHED + "?" * TIME_DIGITS + self._mark + "?" * after
            await self._notices.watch(pattern, self._told)

    def expect(self, job_id: str) -> End | None:
        """Where the end of a job that is about to be enqueued will be said; None if it might be missed."""
        if not self._notices.watching:
            return None
        end = self._expected[job_id] = End()
        return end

    def _told(self, channel: bytes, message: bytes) -> None:
        if not channel:  # the connection was gone for a while: whoever waits looks for itself
            for waiting in tuple(self._expected.values()):
                waiting.told(b"")
            return
        end = self._expected.get(channel[len(keys.FINISHED) :].decode("ascii", "replace"))
        if end is not None:
            end.told(message)
