"""The `invest` command: verbs only, each a few lines over the packages that do the work.

Exit codes: 0 done, 1 a job failed, 2 usage or settings, 3 Redis, PostgreSQL or an upstream unreachable, 124 timeout.
"""

from __future__ import annotations

import re
import sys
from typing import Any, NoReturn

from invest.errors import ConfigError, InvestError, NotFound, Unreachable

EXIT_FAILED, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_TIMEOUT, EXIT_INTERRUPTED = 1, 2, 3, 124, 130


def exit_code(error: BaseException) -> int:
    """The exit code that stands for `error`."""
    if isinstance(error, ConfigError | NotFound | ValueError) or getattr(error, "status", None) in WRONG_INPUT:
        return EXIT_USAGE
    if isinstance(error, Unreachable | ConnectionError):
        return EXIT_UNREACHABLE
    return EXIT_TIMEOUT if isinstance(error, TimeoutError) else EXIT_FAILED


def main() -> None:
    """Run the command line; an expected error is one line on stderr and an exit code, never a traceback."""
    import typer
    from typer.exceptions import TyperException

    from invest.cli.app import app

    sys.argv[1:] = arranged(sys.argv[1:])
    try:
        code = app(prog_name="invest", standalone_mode=False)  # typer would draw its own box around an error
    except typer.Abort:
        _end("nothing was done", EXIT_FAILED)
    except TyperException as error:
        _refuse(error)
    except KeyboardInterrupt:
        _end("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except EXPECTED as error:
        _end(_worded(error), exit_code(error))
    except ExceptionGroup as group:  # of tasks side by side
        others, first = group.split(EXPECTED)[1], _first_of(group)
        if others is not None:
            raise
        _end(_worded(first), exit_code(first))
    else:
        sys.exit(code if isinstance(code, int) else 0)


EXPECTED = (InvestError, ValueError, ConnectionError, TimeoutError)


def _first_of(group: ExceptionGroup[Exception]) -> Exception:
    """The first error of a group, however deep."""
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, ExceptionGroup) else first


def _worded(error: BaseException) -> str:
    """An error's message for a person: without HTTP's number, the API's advice as a command."""
    text = str(error)
    if (status := getattr(error, "status", None)) is not None and status < 500:
        text = text.removeprefix(f"{status}: ")
    for asked, command in COMMANDS.items():
        text = re.sub(asked, command, text)
    return text.replace(": Input should", ": it should")


WRONG_INPUT = (400, 413, 415, 422)  # HTTP's refusals of what was given
COMMANDS = {  # the API's advice as a command
    r"POST /api/v1/assets/async/collect\?ticker=(\S+)": r"invest job run collect \1",
    r"POST /api/v1/analysis/async/update-rankings\?market=(\S+)": r"invest job run update_asset_rankings \1",
}
FLAGS, WITH_VALUE = ("-q", "--quiet", "--no-color"), ("--url", "--app", "--cell")
LISTS = frozenset({"ls", "types", "search", "transactions", "events", "stats", "price"})


def arranged(arguments: list[str]) -> list[str]:
    """The arguments with the options of every verb before the verb, wherever they were written.

    ``--json a,b`` becomes ``--fields a,b`` there and ``--json`` here; a single field needs ``--json=a``, or a verb that
    lists, where no other word can follow.
    """
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in FLAGS:
            front.append(word)
        elif word in WITH_VALUE:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word.startswith(tuple(f"{name}=" for name in WITH_VALUE)):
            front.append(word)
        elif word.startswith("--json="):
            front += ["--fields", word.removeprefix("--json=")]
            rest.append("--json")
        elif rest[-1:] == ["--json"] and _names_fields(word, rest):
            front += ["--fields", word]
        else:
            rest.append(word)
    return [*front, *rest]


def _names_fields(word: str, before: list[str]) -> bool:
    if not re.fullmatch(r"[a-z_0-9]+(,[a-z_0-9]+)*", word):
        return False
    return "," in word or not LISTS.isdisjoint(before)


def _refuse(error: Any) -> NoReturn:
    """Say in one line what of the command is wrong and where its help is; a group alone shows its help."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(error.format_message())
        sys.exit(EXIT_USAGE)
    message = " ".join(error.format_message().split()).replace(": Input", ": input").replace(": Value error, ", ": ")
    message = re.sub(r"does not match the formats? '%Y-%m-%d'", "is no day: expected one such as 2026-03-31", message)
    message = re.sub(r"\. Did you mean (.*)\?$", _meant, message).rstrip(".")
    where = "invest" if context is None else context.command_path
    _end(f"{message[:1].lower()}{message[1:]}; see `{where} --help`", EXIT_USAGE)


def _meant(match: re.Match[str]) -> str:
    """The suggestion in brackets, where it begins as what was typed does: a typo seldom hits the first letter."""
    typed = re.search(r"'(\w)", match.string)
    is_near = typed is None or re.search(rf"['\-]{typed[1]}", match[1]) is not None
    return f" (did you mean {match[1]}?)" if is_near else ""


def _end(message: str, code: int) -> NoReturn:
    from invest.cli.output import wrapped

    sys.stderr.write(wrapped(f"invest: {message}", sys.stderr) + "\n")
    sys.exit(code)
