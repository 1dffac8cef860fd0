"""Sections on a company or fund and its figures: results, multiples, value, peers, dividends, dates."""

from __future__ import annotations

from invest.reports.sections.company.agenda import agenda_section, next_events, profile_section, quarter_due
from invest.reports.sections.company.dividends import amount_text, dividends_section
from invest.reports.sections.company.fundamentals import fundamentals_section
from invest.reports.sections.company.money import (
    coming_section,
    contribution_section,
    rebalancing_section,
    tax_section,
)
from invest.reports.sections.company.multiples import multiples_sections
from invest.reports.sections.company.peers import peers_section
from invest.reports.sections.company.results import quarter_name, results_sections
from invest.reports.sections.company.worth import worth_section

__all__ = [
    "agenda_section",
    "amount_text",
    "coming_section",
    "contribution_section",
    "dividends_section",
    "fundamentals_section",
    "multiples_sections",
    "next_events",
    "peers_section",
    "profile_section",
    "quarter_due",
    "quarter_name",
    "rebalancing_section",
    "results_sections",
    "tax_section",
    "worth_section",
]
