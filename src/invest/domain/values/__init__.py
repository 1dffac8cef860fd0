"""Values observed by sources: tolerances, choice of one value, data quality."""

from __future__ import annotations

from invest.domain.values.choice import choose_all
from invest.domain.values.collected import AssetData, SourceOutcome
from invest.domain.values.event_readings import EventReading, EventSigns, reason_to_read
from invest.domain.values.fields import INDUSTRY_ONLY, UNITS, belongs, fields_of
from invest.domain.values.harvest import Harvest
from invest.domain.values.observations import Basis, Consensus, Observation, RawPayload, Rejected
from invest.domain.values.quality import FieldQuality, SourceValue
from invest.domain.values.questions import (
    Answered,
    Question,
    QuestionKind,
    price_questions,
    unanswered,
    value_questions,
)
from invest.domain.values.units import FAR_DAYS, scale_error, unit_error

__all__ = [
    "FAR_DAYS",
    "INDUSTRY_ONLY",
    "UNITS",
    "Answered",
    "AssetData",
    "Basis",
    "Consensus",
    "EventReading",
    "EventSigns",
    "FieldQuality",
    "Harvest",
    "Observation",
    "Question",
    "QuestionKind",
    "RawPayload",
    "Rejected",
    "SourceOutcome",
    "SourceValue",
    "belongs",
    "choose_all",
    "fields_of",
    "price_questions",
    "reason_to_read",
    "scale_error",
    "unanswered",
    "unit_error",
    "value_questions",
]
