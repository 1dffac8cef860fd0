"""What the domain and the jobs say in English, a page says in Portuguese; the sources are held against that."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from invest.api.pages.session import Language
from invest.api.pages.wording import PLACE, Wording, sentences
from invest.engine import registry
from invest.jobs.declared import declare_all

SOURCES = Path(str(files("invest")))
# Rooms whose sentences readers see: reasons of rows, warnings, refusals of what cannot be booked.
ROOMS = ("domain/brokerage", "domain/portfolios", "jobs/analysis/bonds.py")
# What only stands within another sentence, and what is no sentence: names that files use, patterns, field notes.
WITHIN = {
    "; the premium is not part of its cost: add it where you paid one", " at {} or elsewhere", "  and {} more",
    " and {} more", "a purchase, a bonus or a subscription is not imported{}",
    ", but only {} are held then", "{} {} {} ({})", "redeems {} of {} on {}", "{}. Read are {}",
    "shares of a spin-off whose terms are not known: yes books them at no cost; or book it by hand with the part",
    "{} of the cost that goes with them (operation spin_off)", "invest portfolio columns HEADER=MEANING, or PUT "
    "/api/v1/statements/columns", "{}. Say what your own columns hold ({})", "no known layout: {}. Read are {}",
    "{}: stands at its price of {}; say what it yields", "{} {} {} of {}", "{} {} of {} on {}",
    "{} of {}, as announced", "{} (invest portfolio fixed-income edit, --index, --percent or --rate)",
    "{}: the split booked on {} as {} per share",
    "{} counts as {}, as known of {}", "{} at {} of that day are booked already ({})",
    "{} for one {} lies outside what was paid on {} ({})",
}  # fmt: skip
LEAST = 6  # characters of a form that are fixed: one of fewer would take strangers' texts
OF_FILES = re.compile(r"^[a-z0-9 /\-]*(juros|direito|valor|total|exercicio|taxa|cessao|imposto|liquido)[a-z0-9 /\-]*$")


def texts(path: Path) -> Iterator[str]:
    """Texts of at least four words in a module, places written {}; no docstrings, patterns or notes on fields."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            aside |= {id(inner) for inner in ast.walk(node) if isinstance(node.value, ast.Constant)}
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            notes = [k.value for k in node.keywords if k.arg in ("description", "examples")]
            for inner in [*notes, *(node.args if name in ("compile", "ValueError") else [])]:
                aside |= {id(one) for one in ast.walk(inner)}
        if isinstance(node, ast.JoinedStr):
            aside |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in aside:
            continue
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
        if text.count(" ") >= 3 and text not in WITHIN and not OF_FILES.match(text):
            yield text


def test_every_sentence_of_the_domain_that_a_reader_sees_is_said_in_portuguese() -> None:
    words, missing = Wording("pt-BR"), []
    for room in ROOMS:
        where = SOURCES / room
        for path in sorted(where.rglob("*.py")) if where.is_dir() else [where]:
            missing += [
                f"{path.name}: {t}"
                for t in texts(path)
                if words.translated(t.replace("{}", "X1")) == t.replace("{}", "X1")
            ]
    assert not missing, "\n".join(missing)


def test_every_declared_job_is_described_in_portuguese() -> None:
    declare_all()
    words = Wording("pt-BR")
    own = [job for job in registry.jobs() if job.fn.__module__.startswith("invest.")]
    summaries = [(inspect.getdoc(job.fn) or "").partition("\n\n")[0].replace("\n", " ") for job in own]
    assert len(summaries) > 30 and not [text for text in summaries if words.translated(text) == text]


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_a_translation_has_the_places_of_its_sentence(language: Language) -> None:
    for _, form, translation in sentences(language):
        assert set(PLACE.findall(translation)) <= set(form.groupindex), translation
        fixed = re.sub(r"\(\?P<\w+>\.\+\?\)", "", form.pattern).replace("\\", "")
        assert len(fixed) > LEAST or not form.groupindex, f"{form.pattern}: too much of it may be anything"


@pytest.mark.parametrize(
    ("english", "portuguese"),
    [
        ("the posição says 30 WEGE3, 10 are booked (a split is missing, or a statement was booked twice)",
         "a posição diz 30 WEGE3, 10 estão lançadas (falta um desdobramento, ou um extrato foi lançado duas vezes)"),
        ("a purchase, a bonus or a subscription is not imported at XP or elsewhere",
         "falta importar uma compra, bonificação ou subscrição, em XP ou em outra instituição"),
        ("not counted yet: sells 10 PETR4 on 2026-03-02, but only 0 are held then; import the older statements",
         "ainda não conta: vende 10 PETR4 em 02/03/2026, mas só há 0 nesse dia; importe os extratos mais antigos"),
        ("transactions.0: sells 5 VALE3 on 2026-03-02, but only 0 are held then; nothing was booked",
         "transactions.0: vende 5 VALE3 em 02/03/2026, mas só há 0 nesse dia; nada foi lançado"),
        ("targets.ITUB4: Input should be less than or equal to 1", "targets.ITUB4: deve ser no máximo 1"),
        ("no portfolio 'abc'", "não há carteira 'abc'"),
        ("somebody's own words about shares", "somebody's own words about shares"),
        ("VALE3: split of 2 per share on 2026-03-02 is not booked; it is counted as one",
         "VALE3: desdobramento de 2 por ação em 02/03/2026 não está lançado; conta como se estivesse"),
        ("VALE3: the short sale goes through the merger of 2026-03-02, 10 into 5 ITUB4",
         "VALE3: a venda a descoberto passa pela incorporação de 02/03/2026, 10 por 5 ITUB4"),
        ("a notice of 2026-03-02 tells of an amortisation, and none is known: Aviso",
         "um comunicado de 02/03/2026 fala de uma amortização, e nenhuma é conhecida: Aviso"),
        ("VALE3: dividend of R$ 1.10 per share, with rights until 2026-03-02, paid on 2026-03-09",
         "VALE3: dividend de R$ 1.10 por ação, com direito até 02/03/2026, pago em 09/03/2026"),
    ],
)  # fmt: skip
def test_parts_of_a_sentence_are_said_as_well(english: str, portuguese: str) -> None:
    assert Wording("pt-BR").translated(english) == portuguese
    assert Wording("en").translated(english).split()[0] == english.split(maxsplit=1)[0]


def test_an_english_page_names_no_command_where_it_has_a_button() -> None:
    words = Wording("en")
    advice = "import again accepting this line (or all of them) where it is right: accept=LINE, --accept LINE"
    assert words.translated(advice) == "tick “yes” on the line if it is right"
    assert words.translated("year: Input should be less than or equal to 2100") == "year: must be at most 2100"
    assert words.translated("no portfolio 'abc'") == "no portfolio 'abc'"


def test_texts_of_strangers_stay_as_they_are_and_take_no_time() -> None:
    words = Wording("pt-BR")
    for hostile in ("a " * 499, "x: " * 300, "{} {} {}", "' is no number" * 60, "{0.__class__} is no number"):
        words.translated(hostile)
    assert words.translated("{0.__class__} is no number") == "{0.__class__} não é número"
    assert words.translated("2026-99-99") == "2026-99-99" and words.translated(None) == ""
