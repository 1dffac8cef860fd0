"""How a call to an AI fails: each failure knows the abstention it becomes and whether another try may help."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from invest.domain.opinions import OpinionStatus
from invest.errors import InvestError

ReasonCode = Literal[
    "no_key", "disabled", "no_address", "bad_address", "key_refused", "no_permission", "quota_spent", "day_quota",
    "rate_limited", "overloaded", "server_error", "model_gone", "refused", "truncated", "invalid", "no_reasons",
    "contradicts", "unfaithful", "insufficient", "timeout", "unreachable", "budget_spent", "no_price", "ledger_away",
    "no_endpoint", "empty", "another_asset", "another_language", "too_long", "out_of_range",
    "context_cut",
    "context_small", "too_large", "redirected", "not_json", "request_refused", "internal", "few_criteria",
]  # fmt: skip


class CallFailed(InvestError):
    """One call did not give an answer.

    `code` and `values` say why in a form that a report puts into its reader's language; `raw` keeps what came back.
    `named` are the parameters an error speaks of, `message` its words, uncut, `partial` what the model had
    written, `billed` whether the vendor may bill a call that gave nothing.
    """

    def __init__(
        self,
        status: OpinionStatus,
        reason: str,
        *,
        code: ReasonCode = "server_error",
        values: dict[str, str] | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        http_status: int | None = None,
        named: tuple[str, ...] = (),
        message: str = "",
        partial: str = "",
        billed: bool = False,
        raw: str = "",
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.code = code
        self.values = values or {}
        self.retryable = retryable
        self.retry_after = retry_after
        self.http_status = http_status
        self.named = named
        self.message = message or reason
        self.partial = partial
        self.billed = billed
        self.raw = raw


class AnswerInvalid(InvestError):
    """An answer came, but it is not one we may use; the message says what is wrong with it."""

    def __init__(self, message: str, code: ReasonCode = "invalid", **values: str) -> None:
        super().__init__(message)
        self.code: ReasonCode = code
        self.values = values


class AnswerNotJson(AnswerInvalid):
    """An answer without any JSON: the server may not have read the structure that was asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "not_json")


class AnswerAbstained(InvestError):
    """The analyst itself says that it cannot judge."""


class BudgetSpent(InvestError):
    """The day's budget is spent: whose, how much it was, and the setting that gives it."""

    def __init__(self, whose: str, limit: Decimal, setting: str) -> None:
        super().__init__(f"{whose} of US$ {limit:.2f} a day is spent ({setting})")
        self.limit = limit
        self.setting = setting


class PriceUnknown(InvestError):
    """A model without a known price would be asked under a budget; the message names the setting."""
