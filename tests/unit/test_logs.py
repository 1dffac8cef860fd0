"""No secret reaches a log line: not nested, not in a text, not in a traceback, on a terminal as little as in JSON."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from invest import logs

API_KEY = "inv_0a1b2c3d_" + "Z" * 43
VENDOR = "sk-proj-" + "q" * 30
SCRIPT = """
import logging, sys
import structlog
from invest import logs
from invest.settings import load
settings = load(_env_file=None, logging={"format": sys.argv[1]}, database={"url": "postgresql://u:pa%40sesame1@h/d"},
                delivery={"webhook_secret": "plain-webhook-secret"})
logs.configure(settings, process="test")
log = structlog.get_logger("invest.test")

def fail(headers, key):
    local_secret = {"Authorization": headers["Authorization"]}
    raise RuntimeError(f"refused with {headers['Authorization']}")

KEY, VENDOR = sys.argv[2], sys.argv[3]
log.info("nested", request={"headers": {"Authorization": f"Bearer {KEY}", "x": [{"api_key": VENDOR}]}}, ok=1)
log.info("text", said=f"got Authorization: Bearer {KEY} and key {VENDOR}", list=[f"token={VENDOR}", ("pa@sesame1",)])
log.info(f"event itself {KEY}")
log.info("configured", said="the password pa@sesame1 or pa%40sesame1, plain-webhook-secret")
log.info("configured", value=b"plain-webhook-secret", tokens_in=1234)
try:
    fail({"Authorization": f"Bearer {KEY}"}, VENDOR)
except RuntimeError:
    log.exception("failed", secret_thing="hidden-by-name")
    logging.getLogger("foreign").exception("foreign failed %s", VENDOR)
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_reaches_a_line(form: str, tmp_path: Path) -> None:
    given = {k: v for k, v in os.environ.items() if not k.startswith("INVEST_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, form, API_KEY, VENDOR],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=given,
        check=True,
    )
    said = done.stdout + done.stderr
    for secret in (API_KEY, VENDOR, "Z" * 20, "q" * 20, "sesame1", "plain-webhook-secret", "hidden-by-name"):
        assert secret not in said, (secret, said)
    for word in ("nested", "text", "configured", "failed", "foreign failed", "RuntimeError", "1234", logs.HIDDEN):
        assert word in said


@pytest.mark.parametrize(
    "text",
    [
        "PETR4: close 31.42 <= 32",
        "https://example.org/a?b=1&ticker=PETR4",
        "job collect:PETR4 took 3.2 s; state=succeeded",
        "asked for tokens_in=120",
    ],
)
def test_ordinary_texts_stay_as_they_are(text: str) -> None:
    assert logs.hide_in_text(text) == text


def test_masking_takes_time_that_grows_with_the_text_alone() -> None:
    import time

    for text in ("token " * 50_000, "a" * 300_000 + "=", "Bearer " * 40_000, "password" + " " * 300_000 + "x"):
        begun = time.process_time()
        logs.mask(text)
        assert time.process_time() - begun < 1
