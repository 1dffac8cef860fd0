"""What official notices tell by their subjects, and the order in which news are read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.market import ActionKind, NewsItem
from invest.domain.news import OFFICIAL, announced_event, announced_results, once_each, reading_order, unknown_events

T0 = datetime(2025, 11, 3, 15, 0, tzinfo=UTC)


def notice(subject: str, *, at: datetime | None = T0, source: str = OFFICIAL, key: str = "") -> NewsItem:
    """One item; an official one carries its company before a colon, as they are stored."""
    title = f"COMPANHIA X S.A.: {subject}" if source == OFFICIAL else subject
    return NewsItem(
        id=key or f"{subject}{at}{source}", title=title, outlet="CVM", fetched_at=T0, published_at=at, source=source,
        payload="p", tickers=("XXXX3", "XXXX4"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Cisão Parcial da Companhia", ActionKind.SPIN_OFF),
        ("Aprovação da CISAO parcial com versão de parcela", ActionKind.SPIN_OFF),
        ("Incorporação de Ações pela Marfrig", ActionKind.MERGER),
        ("Fusão entre as companhias", ActionKind.MERGER),
        ("Proposta de Grupamento de Ações", ActionKind.REVERSE_SPLIT),
        ("Desdobramento das ações ordinárias", ActionKind.SPLIT),
        ("Bonificação em Ações", ActionKind.BONUS),
        ("Resgate de ações preferenciais", ActionKind.REDEMPTION),
        ("Alteração da paridade das Units", ActionKind.RATIO_CHANGE),
        ("Conversão de units em ações", ActionKind.RATIO_CHANGE),
        ("Desmembramento das Units", ActionKind.RATIO_CHANGE),
        ("Conversão da totalidade das ações preferenciais em ordinárias", ActionKind.MERGER),
        ("Conversão voluntária de ações preferenciais", None),
        ("Resgate compulsório de ações", ActionKind.REDEMPTION),
        ("Redução de capital com restituição aos acionistas", ActionKind.AMORTISATION),
        ("Não há decisão sobre cisão", None),
        ("Esclarecimentos sobre notícia de fusão", None),
        ("Cancelamento do grupamento", None),
        ("Leilão das frações do grupamento", None),
        ("Incorporação da controlada Y", None),
        ("Resgate antecipado de debêntures", None),
        ("Decisão de Incorporadora", None),
        ("Pagamento de dividendos", None),
    ],
)
def test_a_subject_hints_at_an_event_or_does_not(subject: str, kind: ActionKind | None) -> None:
    told = announced_event(notice(subject))
    assert (told.kind if told else None) is kind


def test_a_headline_of_the_press_is_no_notice() -> None:
    assert announced_event(notice("Cisão da Companhia X", source="rss")) is None
    assert announced_event(notice("Cisão da Companhia", at=None)) is None


def test_notices_of_one_matter_are_one_and_a_known_event_answers_them() -> None:
    told = [
        one
        for day in (0, 10, 35, 120)
        if (one := announced_event(notice(f"Grupamento {day}", at=T0 + timedelta(days=day)))) is not None
    ]
    assert [one.day for one in unknown_events(told, [])] == [date(2025, 11, 3), date(2026, 3, 3)]
    assert unknown_events(told, [(ActionKind.REVERSE_SPLIT, date(2026, 3, 20))]) == []
    assert len(unknown_events(told, [(ActionKind.SPLIT, date(2026, 3, 20))])) == 2
    assert len(unknown_events(told, [(ActionKind.REVERSE_SPLIT, date(2020, 1, 1))])) == 2


@pytest.mark.parametrize(
    ("subject", "day"),
    [
        ("Divulgação de Resultados 3T25 em 06/11/2025", date(2025, 11, 6)),
        ("Convite: teleconferência do 3T25, 7 de novembro de 2025", date(2025, 11, 7)),
        ("Calendário de Eventos Corporativos 2026 - 12.02.26", date(2026, 2, 12)),
        ("Data de divulgação do resultado: 6 nov 2025", date(2025, 11, 6)),
        ("Publicação de resultados 06-11-2025", date(2025, 11, 6)),
        ("Divulgação de Resultados 3T25: 1º de dezembro de 2025", date(2025, 12, 1)),
        ("Divulgação de Resultados em 06/11/2024", None),
        ("Divulgação de Resultados em 31/02/2026", None),
        ("Divulgação de Resultados 3T25", None),
        ("Pagamento de dividendos em 06/11/2025", None),
    ],
)
def test_a_notice_names_the_day_of_results(subject: str, day: date | None) -> None:
    assert announced_results(notice(subject)) == day


def test_official_facts_come_first_in_a_day_and_the_undated_last() -> None:
    late = notice("Ação sobe", source="rss", at=T0 + timedelta(hours=4))
    items = [
        notice("Sem data", source="rss", at=None),
        late,
        notice("Fato relevante"),
        notice("Ontem", at=T0 - timedelta(days=1)),
    ]
    assert [item.title.rpartition(": ")[2] for item in reading_order(items)] == [
        "Fato relevante", "Ação sobe", "Ontem", "Sem data",
    ]  # fmt: skip


def test_a_headline_told_twice_is_the_official_one_or_the_first() -> None:
    first = notice("PETROBRAS eleva preços", source="rss", key="a")
    again = notice("Petrobras eleva preços!", source="google_news", at=T0 + timedelta(hours=30), key="b")
    later = notice("Petrobras eleva preços", source="rss", at=T0 + timedelta(days=9), key="c")
    assert [one.id for one in once_each([again, later, first])] == ["c", "a"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 300), st.booleans(), st.booleans()), max_size=25))
def test_reading_order_keeps_every_item(rows: list[tuple[str, int, bool, bool]]) -> None:
    items = [
        notice(title, at=T0 + timedelta(hours=hours) if dated else None, source=OFFICIAL if told else "rss", key=str(n))
        for n, (title, hours, dated, told) in enumerate(rows)
    ]
    ordered = reading_order(items)
    assert sorted(ordered, key=lambda one: one.id) == sorted(items, key=lambda one: one.id)
    undated = [one.published_at is None for one in ordered]
    assert undated == sorted(undated)
    kept = once_each(items)
    assert len({one.id for one in kept}) == len(kept) <= len(items)
