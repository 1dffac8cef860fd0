"""The `invest` command: verbs only, each a few lines over the packages that do the work.

Exit codes: 0 done, 1 a job failed, 2 usage or settings, 3 Redis, PostgreSQL or an upstream unreachable, 124 timeout.
"""

from __future__ import annotations

import sys

from invest.errors import ConfigError, InvestError, NotFound, Unreachable

EXIT_FAILED, EXIT_USAGE, EXIT_UNREACHABLE, EXIT_TIMEOUT = 1, 2, 3, 124


def exit_code(error: BaseException) -> int:
    """The exit code that stands for `error`."""
    if isinstance(error, ConfigError | NotFound | ValueError):
        return EXIT_USAGE
    if isinstance(error, Unreachable | ConnectionError):
        return EXIT_UNREACHABLE
    return EXIT_TIMEOUT if isinstance(error, TimeoutError) else EXIT_FAILED


def main() -> None:
    """Run the command line; an expected error is one line on stderr and an exit code, never a traceback."""
    from invest.cli.app import app

    try:
        app()
    except KeyboardInterrupt:
        sys.stderr.write("invest: interrupted\n")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except (InvestError, ValueError, ConnectionError, TimeoutError) as error:
        sys.stderr.write(f"invest: {error}\n")
        sys.exit(exit_code(error))
