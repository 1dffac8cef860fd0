"""Verbs about settings: `invest config …`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.errors import ConfigError, Unreachable

config = typer.Typer(no_args_is_help=True, help="The settings in force.")


@config.callback()
def group() -> None:
    """The settings in force."""


@config.command("show")
def show_settings(json_output: AsJson = False) -> None:
    """Every setting, secrets as stars, with where its value comes from."""
    from invest.cli.platform.origins import explain
    from invest.settings import load

    found = explain(load())
    if json_output:
        output.as_json({s.path: {"value": s.value, "origin": s.origin} for s in found})
        return
    for one in found:
        value = "—" if one.value in (None, "") else one.value
        typer.echo(f"{one.path} = {value}  # {one.origin}")


@config.command("init")
def init(
    out: Annotated[Path, typer.Option(help="the file to write")] = Path("settings.toml"),
    json_output: AsJson = False,
) -> None:
    """Write a settings.toml to begin with: every setting with its default, commented out."""
    from invest.settings import defaults_file

    text = commented(defaults_file().read_text("utf-8"))
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{out} is there already: name another with --out, or remove it") from None
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror or error}") from None
    output.outcome(json_output, f"wrote {out}; what it leaves commented keeps its default", path=str(out))


def commented(defaults: str) -> str:
    """The defaults with every value commented out; sections stay, so that a line works once its # is gone."""
    return re.sub(r"(?m)^(?=[a-z_]+ *=)", "# ", defaults)


@config.command("env")
def environment(json_output: AsJson = False) -> None:
    """Servers in use (and sandbox) as shell lines, for programs beside `invest run`: eval "$(invest config env)"."""
    from invest.cli.platform.local import settings_here
    from invest.local import running

    settings = settings_here()
    urls = {"REDIS_URL": settings.redis.url, "DATABASE_URL": settings.database.url}
    found = {name: url.get_secret_value() for name, url in urls.items() if url}
    if missing := sorted(urls.keys() - found.keys()):
        embedded = running(settings.data_dir)
        found |= {name: embedded[name] for name in missing if name in embedded}
    if lost := [name for name in missing if name not in found]:
        raise Unreachable(f"{' and '.join(lost)}: not set, and no embedded server runs here; start `invest run` first")
    if settings.sandbox and settings.as_of is not None:
        found |= {"INVEST_SANDBOX_URL": settings.sandbox_url, "INVEST_AS_OF": settings.as_of.isoformat()}
    if json_output:
        output.as_json(found)
        return
    for name, url in found.items():
        typer.echo(f"export {name}={shlex.quote(url)}")
