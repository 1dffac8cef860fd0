"""The record of the AIs: planted analysts come out in their order, and tricks gain nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from invest.domain.opinions.pooling import Extremity, Vote, pool_votes
from invest.domain.track_record.benchmarks import benchmark_outcomes
from invest.domain.track_record.closed_items import error_correlation, skills
from invest.domain.track_record.extremity import learn_extremity
from invest.domain.track_record.outcome import Outcome
from invest.domain.track_record.record import TrackLine, build_track_record

O = (1, 0, 1, 1, 0, 0, 1, 0, 1, 0)  # noqa: E741 - the outcomes' letter in the published table
PLANTED: dict[str, Callable[[int, int], float]] = {
    "oracle": lambda i, o: 0.9 if o else 0.1,
    "calibrated": lambda i, o: 0.6 if (o == 1) == (i < 6) else 0.4,
    "coin": lambda i, o: 0.5,
    "bull": lambda i, o: 0.7,
    "overconfident": lambda i, o: 0.95 if (o == 1) == (i < 6) else 0.05,
    "inverse": lambda i, o: 0.1 if o else 0.9,
}
START = date(2020, 1, 6)


def outcome(
    analyst: str, p: float, excess: float, entry: date, *, ticker: str = "PETR4", horizon: int = 180, n: int = 0
) -> Outcome:
    return Outcome(
        opinion_id=f"{analyst}-{ticker}-{entry}-{n}",
        horizon_days=horizon,
        provider=analyst,
        ticker=ticker,
        probability=p,
        entry_day=entry,
        exit_day=entry + timedelta(days=horizon),
        total_return=(1 + excess) * 1.05 - 1,
        benchmark_return=0.05,
        excess=excess,
        beat=excess > 0,
        closed_at=datetime(2030, 1, 1, tzinfo=UTC),
    )


def cohorts(analyst: str, rule: Callable[[int, int], float], *, count: int = 10, horizon: int = 180) -> list[Outcome]:
    """The ten published outcomes in each of `count` cohorts a horizon apart."""
    return [
        outcome(analyst, rule(i, o), 0.1 if o else -0.1, START + timedelta(days=k * (horizon + 10)), ticker=f"T{i}")
        for k in range(count)
        for i, o in enumerate(O)
    ]


def by_name(outcomes: Iterable[Outcome]) -> dict[str, TrackLine]:
    return {line.analyst: line for line in build_track_record(outcomes).lines}


@pytest.mark.parametrize(
    ("name", "brier", "log", "bss", "hit"),
    [
        ("oracle", 0.0100, 0.10536, 0.96, 1.0),
        ("calibrated", 0.2400, 0.67301, 0.04, 0.6),
        ("coin", 0.2500, 0.69315, 0.0, None),
        ("bull", 0.2900, 0.78032, -0.16, 0.5),
        ("overconfident", 0.3625, 1.22907, -0.45, 0.6),
        ("inverse", 0.8100, 2.30259, -2.24, 0.0),
    ],
)
def test_planted_analysts_score_as_published(
    name: str, brier: float, log: float, bss: float, hit: float | None
) -> None:
    line = by_name(cohorts(name, PLANTED[name], count=1))[name]
    assert (round(line.brier, 4), round(line.log_score, 5), round(line.skill, 4)) == (brier, log, bss)
    assert line.hit_rate == hit


def test_planted_analysts_come_out_in_their_order_and_hits_would_not_give_it() -> None:
    rows = [row for name, rule in PLANTED.items() for row in cohorts(name, rule)]
    lines = build_track_record(random.Random(1).sample(rows, len(rows))).lines
    honest = [line for line in lines if line.alarm is None]
    assert [line.analyst for line in lines] == list(PLANTED)
    assert [line.rank for line in honest] == [1, 2, 3, 4, 5]
    by_hits = sorted(lines, key=lambda line: -(line.hit_rate or 0))
    assert [line.analyst for line in by_hits] != list(PLANTED)


def test_an_oracle_is_not_believed_but_suspected() -> None:
    line = by_name(cohorts("oracle", PLANTED["oracle"]))["oracle"]
    assert line.rank is None
    assert "leak" in line.verdict


def noisy(
    analyst: str, seed: int, *, count: int, names: int = 8, edge: float = 0.0, horizon: int = 180
) -> list[Outcome]:
    """Cohorts of `names` assets; probabilities .35-.65 that lean to the truth with `edge`."""
    market, own = random.Random(f"market{horizon}"), random.Random(f"{analyst}{seed}")
    rows = []
    for k in range(count):
        for i in range(names):
            excess = market.gauss(0, 0.15)
            side = 1 if (excess > 0) == (own.random() < 0.75) else -1
            p = 0.5 + edge * side + own.uniform(-0.15, 0.15)
            day = START + timedelta(days=k * (horizon + 10))
            rows.append(outcome(analyst, p, excess, day, ticker=f"T{i}", horizon=horizon))
    return rows


@pytest.mark.parametrize(("count", "status"), [(2, "collecting"), (3, "interval"), (7, "interval"), (8, "ranked")])
def test_gates_come_before_any_ranking(count: int, status: str) -> None:
    line = by_name(noisy("ai", 1, count=count))["ai"]
    assert (line.cohorts, line.status) == (count, status)
    assert (line.skill_low is None) == (status == "collecting")
    assert (line.rank is None) == (status != "ranked")


def test_a_line_that_cannot_be_told_from_chance_says_so() -> None:
    assert by_name(noisy("ai", 3, count=8))["ai"].verdict in ("not distinguishable from chance", "worse than a coin")
    assert by_name(noisy("ai", 3, count=2))["ai"].verdict == "collecting: 2 of 3 cohorts"


def test_twenty_six_overlapping_copies_do_not_narrow_the_interval() -> None:
    once = noisy("ai", 5, count=8)
    copies = [
        row.model_copy(
            update={"opinion_id": f"{row.opinion_id}-{week}", "entry_day": row.entry_day + timedelta(days=week)}
        )
        for row in once
        for week in range(0, 7 * 26, 7)
    ]
    single, many = by_name(once)["ai"], by_name(copies)["ai"]
    assert many.closed == 26 * single.closed
    assert many.cohorts <= single.cohorts
    width, wider = ((line.skill_high or 0) - (line.skill_low or 0) for line in (single, many))
    assert wider >= width * 0.999


def test_the_same_call_closed_twice_counts_once() -> None:
    rows = noisy("ai", 2, count=4)
    assert by_name(rows + rows)["ai"] == by_name(rows)["ai"]


def test_at_most_one_in_twenty_of_two_hundred_random_analysts_is_flagged() -> None:
    rows = [row for i in range(200) for row in noisy(f"ai{i:03}", i, count=8, names=5)]
    lines = build_track_record(rows).lines
    flagged = [line for line in lines if line.significant or line.alarm]
    assert len(lines) == 200
    assert len(flagged) <= 10


def test_a_skilled_analyst_is_found_among_random_ones() -> None:
    rows = [row for i in range(20) for row in noisy(f"ai{i:03}", i, count=10, names=20)]
    lines = build_track_record([*rows, *noisy("skilled", 1, count=10, names=20, edge=0.12)]).lines
    best = lines[0]
    assert (best.analyst, best.rank, best.significant) == ("skilled", 1, True)


def test_a_clone_is_named() -> None:
    rows = noisy("original", 1, count=4)
    copied = [row.model_copy(update={"provider": "zclone", "opinion_id": "z" + row.opinion_id}) for row in rows]
    lines = by_name([*rows, *copied, *noisy("other", 2, count=4)])
    assert lines["zclone"].clone_of == "original"
    assert lines["original"].clone_of is None
    assert lines["other"].clone_of is None


def test_one_that_answers_only_easy_names_gets_no_rank_and_no_relative_skill() -> None:
    def easy(i: int, o: int) -> float:
        return (0.85 if o else 0.15) if i < 3 else 0.5

    rows = cohorts("all", easy) + cohorts("both", easy)
    picky = [
        row.model_copy(update={"opinion_id": "x" + row.opinion_id, "provider": "picky"}) for row in cohorts("p", easy)
    ]
    lines = by_name([*rows, *(row for row in picky if row.ticker in ("T0", "T1", "T2"))])
    assert lines["picky"].skill > lines["all"].skill
    assert (lines["picky"].status, lines["picky"].rank) == ("selective", None)
    assert lines["picky"].coverage == pytest.approx(0.3)
    assert lines["picky"].relative_skill == pytest.approx(0, abs=1e-9)


def test_an_outage_leaves_the_scores_of_those_who_answered_alone() -> None:
    everyone = [row for name in ("a", "b", "c", "d") for row in noisy(name, 1, count=6)]
    third = sorted({row.entry_day for row in everyone})[2]
    reduced = [row for row in everyone if not (row.provider in ("c", "d") and row.entry_day == third)]
    whole, left = by_name(everyone), by_name(reduced)
    assert (left["a"].brier, left["b"].brier) == (whole["a"].brier, whole["b"].brier)
    assert left["c"].closed == whole["c"].closed - 8
    assert left["c"].cohorts == whole["c"].cohorts - 1


def test_a_leaked_score_raises_an_alarm_and_a_shuffled_one_does_not() -> None:
    rows = noisy("honest", 1, count=8)
    leaked = [
        row.model_copy(update={"provider": "leak", "probability": 0.5 + 0.4 * (row.excess > 0) * 1.0}) for row in rows
    ]
    shuffled_p = random.Random(4).sample([row.probability for row in leaked], len(leaked))
    shuffled = [
        row.model_copy(update={"provider": "shuffled", "probability": p})
        for row, p in zip(leaked, shuffled_p, strict=True)
    ]
    lines = by_name([*rows, *leaked, *shuffled])
    assert lines["leak"].alarm is not None
    assert lines["shuffled"].alarm is None
    assert lines["honest"].alarm is None


def test_benchmarks_stand_in_the_table_on_the_same_items() -> None:
    rows = noisy("ai", 1, count=8)
    items = {(row.ticker, row.entry_day): row.excess for row in rows}
    rivals = benchmark_outcomes(rows, momentum=items, score=dict.fromkeys(items, 7.0))
    record = build_track_record(rows, rivals)
    lines = {line.analyst: line for line in record.lines}
    assert set(lines) == {"ai", "always 50%", "always buy", "momentum 12-1", "score", "random"}
    assert [line.analyst for line in record.lines if not line.benchmark] == ["ai"]
    assert all(line.closed == 64 for line in lines.values())
    assert lines["always 50%"].skill == 0
    assert lines["always buy"].hit_rate == pytest.approx(lines["always buy"].base_rate)
    assert not any(line.significant for line in lines.values() if line.benchmark)


def test_a_benchmark_without_its_signal_makes_no_call() -> None:
    rivals = benchmark_outcomes(noisy("ai", 1, count=1))
    assert {row.provider for row in rivals} == {"always 50%", "always buy", "random"}


def test_models_of_one_provider_are_kept_apart_and_horizons_too() -> None:
    rows = [*noisy("ai", 1, count=3), *noisy("ai", 1, count=3, horizon=30)]
    newer = [row.model_copy(update={"model": "m-2", "opinion_id": "n" + row.opinion_id}) for row in rows]
    record = build_track_record([*rows, *newer])
    assert {(line.analyst, line.horizon_days) for line in record.lines} == {
        (name, days) for name in ("ai", "ai (m-2)") for days in (30, 180)
    }
    assert {line.horizon_days for line in record.at(30)} == {30}


def test_holds_hit_within_their_band_only() -> None:
    rows = [outcome("ai", 0.5, x, START, ticker=f"T{i}") for i, x in enumerate((0.049, -0.049, 0.051, -0.2))]
    line = by_name(rows)["ai"]
    assert (line.hold_hit_rate, line.hit_rate, line.directional) == (0.5, None, 0)


def test_excess_follows_the_side_that_was_taken() -> None:
    rows = [outcome("ai", 0.7, 0.10, START, ticker="A"), outcome("ai", 0.3, -0.20, START, ticker="B")]
    line = by_name(rows)["ai"]
    assert (line.hits, line.hit_rate) == (2, 1.0)
    assert line.excess == pytest.approx(0.15)


def test_calibration_compares_what_was_said_with_what_came() -> None:
    line = by_name(cohorts("calibrated", PLANTED["calibrated"], count=1))["calibrated"]
    assert [(b.low, b.n, round(b.said, 2), b.came) for b in line.calibration] == [
        (0.4, 5, 0.4, 0.4),
        (0.6, 5, 0.6, 0.6),
    ]
    assert line.calibration_error == pytest.approx(0)


def test_skills_count_only_calls_that_do_not_overlap() -> None:
    days: Sequence[int] = (0, 30, 179, 180, 400)
    rows = [outcome("ai", 0.7, 0.1, START + timedelta(days=d)) for d in days]
    skill = skills(rows)["ai"]
    assert (skill.n, round(skill.brier or 0, 4)) == (3, 0.09)


def test_clones_err_together_and_strangers_do_not() -> None:
    rows = noisy("a", 1, count=8)
    twin = [row.model_copy(update={"provider": "b", "opinion_id": "b" + row.opinion_id}) for row in rows]
    assert error_correlation([*rows, *twin]) == pytest.approx(1)
    assert error_correlation(rows) is None


def test_an_empty_record_is_a_table_without_lines() -> None:
    assert build_track_record([]).lines == ()


def test_the_pool_stands_first_among_the_planted_and_is_ranked_by_its_skill_like_they_are() -> None:
    def of_all(i: int, o: int) -> float:
        votes = [Vote(name, name, rule(i, o)) for name, rule in PLANTED.items()]
        return pool_votes(votes).probability

    rows = [row for name, rule in PLANTED.items() for row in cohorts(name, rule)] + cohorts("consensus", of_all)
    lines = build_track_record(rows).lines
    assert [line.analyst for line in lines] == ["consensus", *PLANTED]
    ranks = {line.analyst: line.rank for line in lines if line.rank is not None}
    bounds = {line.analyst: line.skill_low for line in lines if line.skill_low is not None}
    by_bound = sorted(ranks, key=lambda name: (-bounds[name], name))
    assert sorted(ranks, key=lambda name: ranks[name]) == by_bound
    assert not lines[0].benchmark


def test_a_new_model_starts_afresh_and_one_model_by_two_hosts_has_one_record() -> None:
    def row(provider: str, model: str, day: int, ticker: str) -> Outcome:
        made = outcome(provider, 0.9, 0.1, START + timedelta(days=day), ticker=ticker)
        return made.model_copy(update={"model": model})

    rows = [
        row("openai", "gpt-5", 0, "AAAA3"),
        row("openai", "gpt-6", 0, "BBBB3"),
        row("azure", "openai/gpt-6", 5, "CCCC3"),
    ]
    known = skills(rows)
    assert {name: skill.n for name, skill in known.items()} == {"gpt-5": 1, "gpt-6": 2}


def test_the_slope_is_learnt_from_eight_closed_cohorts_on() -> None:
    def learnt(count: int, truth: float) -> Extremity:
        rng = random.Random(3)
        rows, odds = [], {}
        for k in range(count):
            for i in range(40):
                x = rng.uniform(-1.5, 1.5)
                beat = rng.random() < 1 / (1 + math.exp(-truth * x))
                made = outcome("consensus", 0.5, 0.1 if beat else -0.1, START + timedelta(days=k * 190), ticker=f"T{i}")
                rows.append(made)
                odds[made.opinion_id] = x
        return learn_extremity(rows, odds)

    assert learnt(7, 1.0) == Extremity()
    steep, flat = learnt(9, 1.0), learnt(9, 0.1)
    assert steep.n == 360
    assert abs(steep.a_hat - 1.0) < 0.35
    assert 0.5 < steep.slope <= 1.0
    assert flat.slope < 0.5
