"""Who made a model, by its id: an opinion is its maker's vote, on any server."""

from __future__ import annotations

import re

# Makers as routers, hosts and settings write them, and the names they go by here.
_NAMES = {
    "meta-llama": "meta",
    "facebook": "meta",
    "x-ai": "xai",
    "x.ai": "xai",
    "mistralai": "mistral",
    "mistral-ai": "mistral",
    "qwen": "alibaba",
    "alibaba-nlp": "alibaba",
    "deepseek-ai": "deepseek",
    "moonshotai": "moonshot",
    "moonshot-ai": "moonshot",
    "z-ai": "zhipu",
    "zai-org": "zhipu",
    "zai": "zhipu",
    "thudm": "zhipu",
    "nousresearch": "nous",
    "ai21labs": "ai21",
    "ibm-granite": "ibm",
    "minimaxai": "minimax",
    "cohereforai": "cohere",
    "coherelabs": "cohere",
    "gemini": "google",
    "google-ai": "google",
    "claude": "anthropic",
    "amazon-bedrock": "amazon",
    "bytedance-seed": "bytedance",
    "perplexity-ai": "perplexity",
    "allenai": "ai2",
    "stepfun-ai": "stepfun",
    "tiiuae": "tii",
    "lgai-exaone": "lg",
    "liquidai": "liquid",
    "xiaomimimo": "xiaomi",
    "maritaca-ai": "maritaca",
    "arcee-ai": "arcee",
}
# What stands before a model's id and made none of it: hosts, routers, folders, and people who shrink others' models.
_HOSTS = frozenset({
    "models", "model", "accounts", "publishers", "projects", "locations", "endpoints", "global",
    "deployments", "inference-profile", "hf", "hf.co", "huggingface", "ollama", "library", "openrouter",
    "azure", "azure_ai", "bedrock", "converse", "vertex", "vertex_ai", "groq", "together", "together_ai",
    "fireworks", "fireworks_ai", "deepinfra", "replicate", "cerebras", "sambanova", "novita", "nebius",
    "hyperbolic", "baseten", "anyscale", "lepton", "github", "github_copilot", "databricks", "watsonx",
    "cloudflare", "@cf", "cf", "@hf", "vercel", "vercel_ai_gateway", "litellm", "litellm_proxy",
    "openai_compatible", "custom", "lm_studio", "lmstudio-community", "unsloth", "bartowski", "thebloke",
    "mlx-community", "ggml-org", "neuralmagic", "redhatai", "casperhansen",
})  # fmt: skip
# How each maker's ids begin, where no maker stands before them.
_FAMILIES: tuple[tuple[str, str], ...] = (
    ("nvidia", r".*nemotron"),
    ("deepseek", r".*deepseek-r1-distill"),
    ("openai", r"(?:ft:)?gpt-|chatgpt|(?:ft:)?o\d+(?:-|$)|codex|davinci"),
    ("anthropic", r"claude"),
    ("google", r"gemini|gemma|palm-|palm2|(?:text|chat)-bison"),
    ("meta", r"(?:meta-)?llama|codellama"),
    ("mistral", r"mistral|mixtral|magistral|ministral|codestral|devstral|pixtral"),
    ("alibaba", r"qwen|qwq"),
    ("deepseek", r"deepseek"),
    ("xai", r"grok"),
    ("cohere", r"command|c4ai|aya"),
    ("microsoft", r"phi-?\d|wizardlm|mai-"),
    ("zhipu", r"glm"),
    ("moonshot", r"kimi|moonshot"),
    ("ibm", r"granite"),
    ("minimax", r"minimax|abab"),
    ("amazon", r"nova-|titan"),
    ("ai21", r"jamba"),
    ("tii", r"falcon"),
    ("01-ai", r"yi-"),
    ("maritaca", r"sabia"),
    ("perplexity", r"sonar"),
    ("nous", r"hermes|nous-"),
    ("bytedance", r"seed-|doubao"),
    ("baidu", r"ernie"),
    ("tencent", r"hunyuan"),
    ("stepfun", r"step-\d"),
    ("writer", r"palmyra"),
    ("upstage", r"solar-"),
    ("liquid", r"lfm"),
    ("ai2", r"olmo|tulu"),
    ("lg", r"exaone"),
    ("xiaomi", r"mimo-"),
    ("reka", r"reka-"),
    ("inception", r"mercury"),
)
_PATTERNS = tuple((maker, re.compile(rf"^(?:{start})")) for maker, start in _FAMILIES)


_MAKERS = frozenset(maker for maker, _ in _FAMILIES) | frozenset(_NAMES.values())
_ACCOUNT = re.compile(r"arn:|\d+$|(?:us|eu|ap|sa|ca|me|af)-[a-z]+-?[a-z]*\d+$")  # parts of a cloud's own addresses


def maker_of(model: str | None) -> str | None:
    """The maker of `model`: `anthropic/claude-x` and `claude-x` are anthropic's; None where the id does not tell.

    A maker's name before the slash wins over the family (`nvidia/llama-…` is nvidia's), a host's does not count.
    """
    parts = [part for part in (model or "").strip().lower().split("/") if part]
    named = [maker_named(part) for part in parts[:-1] if part not in _HOSTS and not _ACCOUNT.match(part)]
    if known := [maker for maker in named if maker in _MAKERS]:
        return known[-1]
    if parts and (maker := _by_family(parts[-1])):
        return maker
    hosted = any(part in _HOSTS or _ACCOUNT.match(part) for part in parts[:-1])
    return named[0] if len(parts) == 2 and named and not hosted else None


def maker_named(name: str) -> str:
    """A maker by the one name it goes by here: `meta-llama` is `meta`, `Google` is `google`."""
    plain = name.strip().lower()
    return _NAMES.get(plain, plain)


def _by_family(name: str) -> str | None:
    """By how the id begins, or a part of it does: Bedrock writes `us.anthropic.claude-x`."""
    for part in (name, *name.split(".")):
        for maker, pattern in _PATTERNS:
            if pattern.match(part):
                return maker
    return None
