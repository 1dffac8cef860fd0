"""The page of the AIs' record: a line that is not to be believed says so, and calibration stands by tenths."""

from __future__ import annotations

from functools import partial

import pytest

from invest.api.pages.rendering import templates
from invest.api.pages.session import Language
from invest.api.pages.wording import Wording
from invest.domain.track_record import TrackLine, TrackRecord
from invest.domain.track_record.record import CalibrationBin
from invest.reports import analyst_name


def line(analyst: str, **changes: object) -> TrackLine:
    fields: dict[str, object] = {
        "analyst": analyst, "provider": analyst, "horizon_days": 90, "closed": 40, "cohorts": 9, "status": "ranked",
        "brier": 0.2, "log_score": 0.6, "skill": 0.2, "coverage": 1.0,
        "calibration": (CalibrationBin(low=0.3, high=0.4, n=12, said=0.35, came=0.25),
                        CalibrationBin(low=0.9, high=1.0, n=28, said=0.95, came=0.5)),
    }  # fmt: skip
    return TrackLine.model_validate(fields | changes)


def shown(*lines: TrackLine, language: Language = "en") -> str:
    """What the page shows of a record of these lines."""
    words = Wording(language)
    given = {"_": words.say, "w": words, "n": words.locale, "analyst": partial(analyst_name, locale=words.locale)}
    parts = templates().get_template("parts.html").make_module(given)
    page = templates().get_template("desk/track_record.html")
    record = TrackRecord(lines=lines, closed=40, horizons=(90,))
    context = page.new_context({**given, "record": record, "state": parts.state, "empty": parts.empty})  # type: ignore[attr-defined]
    return "".join(page.blocks["main"](context))


def test_a_record_too_good_to_be_true_is_not_called_ranked() -> None:
    made = shown(line("gemini", alarm="too good to be true: its probabilities order the returns"))
    assert "too good to be true" in made and "look for a leak" in made and ">ranked<" not in made
    assert ">ranked<" in shown(line("gemini", rank=1)) and "leak" not in shown(line("gemini", rank=1))


def test_a_copy_names_whose_calls_it_makes() -> None:
    assert "the same calls as OpenAI" in shown(line("openai"), line("gemini", clone_of="openai"))


@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_calibration_stands_by_tenths_and_leaves_benchmarks_out(language: Language) -> None:
    made = shown(line("gemini"), line("always 50%", benchmark=True), language=language).partition("<details")[2]
    cells = made.partition("<tbody>")[2].partition("</tbody>")[0].split('<td class="r">')[1:]
    assert len(cells) == 10, "one AI, ten tenths"
    assert cells[3].startswith('25%<span class="sub">12<') and cells[9].startswith("50%")
    assert all(cell.startswith("—") for at, cell in enumerate(cells) if at not in (3, 9))
