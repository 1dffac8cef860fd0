"""docs/cli.md from the command tree: ``python -m invest.cli.reference`` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

PAGE = Path("docs") / "cli.md"
HEAD = """# Command line

Generated from the command tree by `python -m invest.cli.reference`.

Without a server every verb works on this machine's Redis and PostgreSQL, which it starts where none is set. With
`INVEST_URL` (and `INVEST_KEY`), `--url` or after `invest login` it asks that server over HTTP; `INVEST_URL=` goes back
to this machine for one command. `db`, `run`, `web`, `worker run`, `sandbox` and `demo` are always about this machine;
`collect`, `data backfill`, `data record`, `data export` and `data erase` work on its database and refuse a server
(for a server's assets: `job run collect`).

In front of or behind any verb: `--url`, `-q` (ids and values alone), `--no-color`, and `--json a,b` for these fields of
the JSON alone (`--json=a` for one). What destroys asks first; `--yes` answers.

Nouns come first. The names of before still work: `jobs`, `keys`, `queues`, `workflows`, `workers` (`worker ls`),
`enqueue` (`job run`), `worker QUEUES` (`worker run QUEUES`).

Exit codes: 0 done, 1 a job failed or something is to fix, 2 usage or settings, 3 Redis, PostgreSQL or an upstream
unreachable, 124 timeout. `invest --install-completion` sets up completion for your shell.
"""


def page() -> str:
    """The whole page."""
    from invest.cli.app import app

    return HEAD + "".join(section for section in sections(typer.main.get_command(app), "invest"))


def sections(command: Any, name: str) -> Iterator[str]:
    """One section per verb, groups in their order."""
    if getattr(command, "hidden", False):
        return
    if children := getattr(command, "commands", None):
        for child, inner in children.items():
            yield from sections(inner, f"{name} {child}")
        return
    yield f"\n## {name}\n\n{command.help or ''}\n"
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    if shown:
        rows = "".join(f"| {_written(p)} | {(p.help or '').replace('|', '/')} |\n" for p in shown)
        yield f"\n| argument | meaning |\n|---|---|\n{rows}"


def _written(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.name.upper()
        return f"`{name}`" if parameter.required else f"`[{name}]`"
    flags = ", ".join(f"`{flag}`" for flag in (*parameter.opts, *parameter.secondary_opts))
    return flags + (" (repeatable)" if parameter.multiple else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
