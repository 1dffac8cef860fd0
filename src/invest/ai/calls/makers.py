"""Who made a model, by its id: an opinion is its maker's vote, on any server."""

from __future__ import annotations

import re

# Makers as routers write them before the slash, and the names they go by here.
_PREFIXES = {
    "meta-llama": "meta",
    "x-ai": "xai",
    "mistralai": "mistral",
    "qwen": "alibaba",
    "deepseek-ai": "deepseek",
    "moonshotai": "moonshot",
    "z-ai": "zhipu",
    "zai-org": "zhipu",
    "nousresearch": "nous",
    "ai21labs": "ai21",
}
_HOSTS = frozenset(
    {"models", "accounts", "publishers", "hf", "ollama", "library", "openrouter", "azure", "bedrock", "vertex"}
)
# How each maker's ids begin, where no maker stands before them.
_FAMILIES: tuple[tuple[str, str], ...] = (
    ("openai", r"gpt-|chatgpt|o\d+(?:-|$)|codex|davinci"),
    ("anthropic", r"claude"),
    ("google", r"gemini|gemma|palm"),
    ("meta", r"(?:meta-)?llama|codellama"),
    ("mistral", r"mistral|mixtral|magistral|ministral|codestral|devstral|pixtral"),
    ("alibaba", r"qwen|qwq"),
    ("deepseek", r"deepseek"),
    ("xai", r"grok"),
    ("cohere", r"command|c4ai|aya"),
    ("microsoft", r"phi-?\d|wizardlm|mai-"),
    ("zhipu", r"glm"),
    ("moonshot", r"kimi|moonshot"),
    ("nvidia", r"nemotron"),
    ("ibm", r"granite"),
    ("minimax", r"minimax|abab"),
    ("amazon", r"nova-|titan"),
    ("ai21", r"jamba"),
    ("tii", r"falcon"),
    ("01-ai", r"yi-"),
    ("maritaca", r"sabia"),
)
_PATTERNS = tuple((maker, re.compile(rf"^(?:{start})")) for maker, start in _FAMILIES)


def maker_of(model: str | None) -> str | None:
    """The maker of `model`: `anthropic/claude-x` and `claude-x` are anthropic's; None where the id does not tell."""
    parts = [part for part in (model or "").strip().lower().split("/") if part and part not in _HOSTS]
    if not parts:
        return None
    if maker := _by_family(parts[-1]):
        return maker
    if len(parts) > 1:
        return _PREFIXES.get(parts[0], parts[0])
    return None


def _by_family(name: str) -> str | None:
    """By how the id begins, or a part of it does: Bedrock writes `us.anthropic.claude-x`."""
    for part in (name, *name.split(".")):
        for maker, pattern in _PATTERNS:
            if pattern.match(part):
                return maker
    return None
