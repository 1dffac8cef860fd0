"""How a call to an AI fails: each failure knows the abstention it becomes and whether another try may help."""

from __future__ import annotations

from invest.domain.opinions import OpinionStatus
from invest.errors import InvestError


class CallFailed(InvestError):
    """One call did not give an answer. `raw` keeps what came back, as it came."""

    def __init__(
        self,
        status: OpinionStatus,
        reason: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        http_status: int | None = None,
        raw: str = "",
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retryable = retryable
        self.retry_after = retry_after
        self.http_status = http_status
        self.raw = raw


class AnswerInvalid(InvestError):
    """An answer came, but it is not one we may use; the message says what is wrong with it."""


class AnswerAbstained(InvestError):
    """The analyst itself says that it cannot judge."""


class BudgetSpent(InvestError):
    """The day's budget is spent; the message names it."""
