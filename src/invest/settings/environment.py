"""Names in the environment: those a platform sets, and ours, of which unknown ones are refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
)

from invest.errors import ConfigError

PREFIX = "INVEST_"


# Where settings.toml and the recorded payloads are, who supervises this process, and the server the command line asks.
NOT_SETTINGS = frozenset(
    {"INVEST_SETTINGS", "INVEST_SAMPLES", "INVEST_PARENT", "INVEST_URL", "INVEST_KEY", "INVEST_APP"}
)


# Names a platform sets, and the setting each stands for; the first one present wins.
WELL_KNOWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("REDIS_URL", ("redis", "url")),
    ("DATABASE_URL", ("database", "url")),
    ("DATABASE_REPLICA_URL", ("database", "replica_url")),
    ("PORT", ("web", "port")),
    ("BRAPI_TOKEN", ("sources", "brapi", "token")),
    ("SMTP_URL", ("delivery", "smtp_url")),
    ("WEBHOOK_SECRET", ("delivery", "webhook_secret")),
    ("OPENAI_API_KEY", ("ai", "providers", "openai", "api_key")),
    ("ANTHROPIC_API_KEY", ("ai", "providers", "anthropic", "api_key")),
    ("GEMINI_API_KEY", ("ai", "providers", "gemini", "api_key")),
    ("GOOGLE_API_KEY", ("ai", "providers", "gemini", "api_key")),
)


class WellKnownSource(PydanticBaseSettingsSource):
    """`WELL_KNOWN` names of one mapping (the environment, or .env) as a settings source."""

    def __init__(self, settings_cls: type[BaseSettings], names: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self.names = {name.upper(): value for name, value in names.items()}

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Unused: the tree is built in one go by `__call__`."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The nested tree of what the platform's names set; empty values count as unset."""
        tree: dict[str, Any] = {}
        for name, path in reversed(WELL_KNOWN):
            if value := self.names.get(name):
                node = tree
                for part in path[:-1]:
                    node = node.setdefault(part, {})
                node[path[-1]] = value
        return tree


def refuse_unknown(names: Iterable[str], settings: type[BaseModel]) -> None:
    """Raise `ConfigError` for INVEST_ names that set nothing in `settings`: a typo is seen, not silently ignored."""
    known = [PREFIX + "__".join(path).upper() for path in setting_paths(settings)]
    wrong = []
    for name in sorted({n.upper() for n in names}):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS and not _sets(name, known):
            hint = difflib.get_close_matches(name, known, n=1)
            wrong.append(f"{name} sets nothing" + (f" (did you mean {hint[0]}?)" if hint else ""))
    if wrong:
        raise ConfigError(f"settings: {'; '.join(wrong)}")


def _sets(name: str, known: Iterable[str]) -> bool:
    parts = name.split("__")
    for candidate in known:
        pattern = candidate.split("__")[: len(parts)]
        if len(pattern) == len(parts) and all(p in ("*", part) for p, part in zip(pattern, parts, strict=True)):
            return True
    return False


def setting_paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """The path of every setting; ``*`` stands for a name of the user's (a queue, a source, an AI)."""
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        prefix: tuple[str, ...] = (name,)
        if get_origin(kind) is dict:
            kind, prefix = get_args(kind)[1], (name, "*")
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from ((*prefix, *rest) for rest in setting_paths(kind))
        else:
            yield prefix
