"""The ends of a client's own jobs, told to it without a subscription each.

A subscription per job costs a round trip, and an end that comes before it is missed and has to be asked for: the
slowest one in a hundred results took milliseconds longer for it. The ids that a client gives to single calls carry its
mark, and ends are told on the channel of their mark too, which it hears from before they are enqueued.
"""

from __future__ import annotations

import os
from weakref import WeakValueDictionary

from invest.engine.redis import keys
from invest.engine.redis.notices import Notices
from invest.engine.redis.signal import Signal
from invest.engine.redis.wire import MARK_DIGITS, new_id


class End:
    """What was said of the end of one job; whoever waits for the job keeps it."""

    __slots__ = ("__weakref__", "message", "signal")

    def __init__(self) -> None:
        self.message: bytes | None = None
        self.signal = Signal()

    def take(self, message: bytes) -> None:
        """Take a message; an empty one means that some may have been missed."""
        self.message = message or None
        self.signal.set()


class Ends:
    """Hears the ends of the jobs that were enqueued under `new_id`, from the first `listen` on."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._mark = os.urandom(MARK_DIGITS // 2).hex()
        self._expected: WeakValueDictionary[str, End] = WeakValueDictionary()
        self._begun = False

    def new_id(self) -> str:
        """An id whose end is heard."""
        return new_id(self._mark)

    async def listen(self) -> None:
        """Begin to hear; afterwards it does nothing."""
        if not self._begun:
            self._begun = True
            await self._notices.subscribe(keys.ENDS + self._mark, self._take_notice)

    @property
    def heard(self) -> bool:
        """Whether no end of a job that is enqueued now can be missed."""
        return self._notices.hears(keys.ENDS + self._mark)

    def expect(self, job_id: str) -> End | None:
        """Where the end of a job that is about to be enqueued will be said; None if it might be missed."""
        if not self.heard:
            return None
        end = self._expected[job_id] = End()
        return end

    def _take_notice(self, message: bytes) -> None:
        if not message:  # the connection was gone for a while: whoever waits looks for itself
            for waiting in tuple(self._expected.values()):
                waiting.take(b"")
            return
        job_id, _, body = message.partition(b" ")
        end = self._expected.get(job_id.decode("ascii", "replace"))
        if end is not None:
            end.take(body)
