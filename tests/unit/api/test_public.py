"""What leaves the platform: no address of a server, no path of a file, no secret."""

from __future__ import annotations

import pytest

from invest.api.http.public import public_error, public_result, public_text
from invest.errors import ServerAway


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("PostgreSQL at db.internal:5432/invest does not answer", "PostgreSQL does not answer"),
        ("Redis at redis://10.0.0.9:6379 does not answer: x", "Redis does not answer: x"),
        ("Connect call failed ('10.0.0.9', 5432)", "Connect call failed (an address)"),
        (
            "[Errno 13] Permission denied: '/var/lib/invest/exports/r.pdf'",
            "[Errno 13] Permission denied: '(a file of the server)'",
        ),
        (
            "see /api/v1/reports/r_1 or https://example.org/data/x",
            "see /api/v1/reports/r_1 or https://example.org/data/x",
        ),
        ("no report 'r_1'", "no report 'r_1'"),
        ("key inv_0a1b2c3d_" + "x" * 43, "key inv_********"),
    ],
)
def test_texts_of_errors(text: str, told: str) -> None:
    assert public_text(text) == told


def test_errors_by_their_kind() -> None:
    away = ServerAway("PostgreSQL at 10.0.0.9 does not answer", server="PostgreSQL")
    assert public_error(away) == "PostgreSQL does not answer"
    assert public_error(PermissionError(13, "Permission denied", "/srv/x/y")) == "Permission denied"


def test_files_are_named_by_their_folder() -> None:
    given = {"exports": [{"file_path": "/srv/data/exports/r_1.pdf", "report_id": "r_1"}], "n": 1}
    assert public_result(given) == {"exports": [{"file_path": "exports/r_1.pdf", "report_id": "r_1"}], "n": 1}
