"""One module per wire format: how a question is put on it and how its answer is read."""

from __future__ import annotations

from invest.ai.wires.anthropic import Anthropic
from invest.ai.wires.base import Question, Reply, Request, Structure, Wire, as_int, parse
from invest.ai.wires.batches import BatchCall, BatchFormat, BatchState, batches_of
from invest.ai.wires.failing import as_dict, as_list, failure
from invest.ai.wires.gemini import Gemini
from invest.ai.wires.openai_chat import OpenAIChat
from invest.ai.wires.openai_responses import OpenAIResponses

__all__ = [
    "Anthropic",
    "BatchCall",
    "BatchFormat",
    "BatchState",
    "Gemini",
    "OpenAIChat",
    "OpenAIResponses",
    "Question",
    "Reply",
    "Request",
    "Structure",
    "Wire",
    "as_dict",
    "as_int",
    "as_list",
    "batches_of",
    "failure",
    "parse",
]
