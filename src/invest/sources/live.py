"""A small question to each upstream, to see whether it answers and still in the shape that is read."""

from __future__ import annotations

import asyncio
import difflib
import io
import re
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from invest.domain.market import last_closed_session, market_day, previous_session
from invest.sources.b3 import argument
from invest.sources.client import Response, SourceClient
from invest.sources.errors import (
    BreakerOpen,
    BudgetSpent,
    Forbidden,
    Malformed,
    NotAvailable,
    SourceDown,
    SourceError,
    SourceRefused,
)

State = Literal["ok", "changed", "failed"]
# What pages and feeds are looked through for.
WORDS = ("<title>", "<link>", "<pubDate>", "Papel", "P/L", "P/VP", "<tr", "<td", ".pdf")
SHOWN = 6  # names that are told of what lacks
KEYED = frozenset({"brapi"})  # upstreams that take a key
LIKE = 0.5  # how like a missing name another must be to be shown as what may have replaced it
FIREWALL = re.compile(r"(?i)<html|<!doctype|cloudflare|captcha|access denied|request blocked")
NO_KEY = "its key is missing, wrong or spent: set the token of [sources.{}]"
TURNED_AWAY = (
    "it turns this machine away, and no key is at fault: wait an hour, or try from another network; "
    "enabled = false in [sources.{}] where it stays so"
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the names that its answer must hold: keys of JSON as "results[].symbol", columns of tables."""

    path: Callable[[datetime], str]
    names: frozenset[str]
    kind: Literal["json", "rss", "csv", "html", "zip"] = "json"
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """How one upstream answered. `missing`: names it was read by and holds no more."""

    source: str
    url: str
    state: State
    seconds: float
    found: str
    remedy: str = ""
    missing: tuple[str, ...] = ()
    answer: Response | None = None
    refusal: str = ""  # what it said with a status other than 200, as far as it was read


def _supplement(_: datetime) -> str:
    arguments = argument(issuingCompany="PETR", language="pt-br")
    return f"/listedCompaniesProxy/CompanyCall/GetListedSupplementCompany/{arguments}"


def _index_year(now: datetime) -> str:
    arguments = argument(index="IBOV", language="pt-br", year=str(market_day(now).year - 1))
    return f"/indexStatisticsProxy/IndexCall/GetPortfolioDay/{arguments}"


def _session_file(now: datetime) -> str:
    return f"/InstDados/SerHist/COTAHIST_D{previous_session(last_closed_session(now)):%d%m%Y}.ZIP"


def _fund_reports(now: datetime) -> str:
    year = (market_day(now) - timedelta(days=60)).year
    return f"/dados/FII/DOC/INF_MENSAL/DADOS/inf_mensal_fii_{year}.zip"


def _deliveries(now: datetime) -> str:
    year = (market_day(now) - timedelta(days=60)).year
    return f"/dados/CIA_ABERTA/DOC/IPE/DADOS/ipe_cia_aberta_{year}.zip"


def _daily_reports(now: datetime) -> str:
    month = market_day(now).replace(day=1) - timedelta(days=1)
    return f"/dados/FI/DOC/INF_DIARIO/DADOS/inf_diario_fi_{month:%Y%m}.zip"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FOCUS = "/olinda/servico/Expectativas/versao/v1/odata/ExpectativasMercadoAnuais"
QUESTIONS: Mapping[str, Question] = {
    "cotahist": Question(_session_file, _names("00COTAHIST 01 99COTAHIST"), "zip"),
    "b3": Question(
        _supplement,
        _names(
            "[].tradingName [].codeCVM [].totalNumberShares [].cashDividends[].isinCode [].cashDividends[].rate "
            "[].cashDividends[].label [].cashDividends[].lastDatePrior [].cashDividends[].paymentDate"
        ),
    ),
    "b3_indices": Question(_index_year, _names("results[].day results[].rateValue1 results[].rateValue12")),
    "b3_programmes": Question(
        lambda _: "/bdr-nao-patrocinado/programas", _names("<tr <td .pdf"), "html", {"delta": "20"}
    ),
    "cvm": Question(
        lambda _: "/dados/CIA_ABERTA/CAD/DADOS/cad_cia_aberta.csv",
        _names("CNPJ_CIA DENOM_SOCIAL SIT CD_CVM SETOR_ATIV DT_REG"),
        "csv",
    ),
    "cvm_funds": Question(
        _fund_reports,
        _names("DATA_REFERENCIA VERSAO CODIGO_ISIN PATRIMONIO_LIQUIDO COTAS_EMITIDAS VALOR_PATRIMONIAL_COTAS"),
        "zip",
    ),
    "cvm_etfs": Question(_daily_reports, _names("DT_COMPTC VL_QUOTA VL_PATRIM_LIQ NR_COTST"), "zip"),
    "bcb": Question(
        lambda _: "/dados/serie/bcdata.sgs.12/dados/ultimos/1", _names("[].data [].valor"), params={"formato": "json"}
    ),
    "olinda": Question(
        lambda _: FOCUS,
        _names("value[].Indicador value[].Data value[].DataReferencia value[].Mediana value[].baseCalculo"),
        params={"$top": "1", "$format": "json"},
    ),
    "brapi": Question(
        lambda _: "/quote/PETR4",
        _names("results[].symbol results[].regularMarketPrice results[].regularMarketTime"),
    ),
    "mercado_bitcoin": Question(
        lambda _: "/api/v4/tickers", _names("[].pair [].last [].vol [].date"), params={"symbols": "BTC-BRL"}
    ),
    "yahoo": Question(
        lambda _: "/v8/finance/chart/PETR4.SA",
        _names(
            "chart.result[].timestamp chart.result[].meta.regularMarketPrice chart.result[].indicators.quote[].close"
        ),
        params={"range": "5d", "interval": "1d"},
    ),
    "fundamentus": Question(lambda _: "/resultado.php", _names("Papel P/L P/VP"), "html"),
    "google_news": Question(
        lambda _: "/rss/search", _names("<title> <link> <pubDate>"), "rss", {"q": "PETR4", "hl": "pt-BR", "gl": "BR"}
    ),
    "gdelt": Question(
        lambda _: "/api/v2/doc/doc",
        _names("articles"),
        params={"query": "Petrobras sourcelang:portuguese", "mode": "ArtList", "format": "json", "maxrecords": "1"},
    ),
    "binance": Question(
        lambda _: "/api/v3/klines", _names("[][]"), params={"symbol": "BTCBRL", "interval": "1d", "limit": "1"}
    ),
}


# What an upstream has beside that, by what it is: other files, which may change by themselves.
FURTHER: Mapping[str, Mapping[str, Question]] = {
    "cvm": {
        "index of documents": Question(
            _deliveries,
            _names("CNPJ_COMPANHIA NOME_COMPANHIA CATEGORIA ASSUNTO DATA_ENTREGA PROTOCOLO_ENTREGA LINK_DOWNLOAD"),
            "zip",
        )
    }
}


async def try_live(client: SourceClient, name: str) -> list[Trial]:
    """Ask one upstream; feeds and further files are asked each on its own. Never raises `SourceError`."""
    now = client.settings.now()
    if name == "rss":
        feeds = client.settings.source(name).feeds
        feed = Question(lambda _: "", _names("<title> <link>"), "rss")
        trials = await asyncio.gather(*(_ask(client, name, url, feed) for url in feeds.values()))
        return [replace(trial, found=f"{which}: {trial.found}") for which, trial in zip(feeds, trials, strict=True)]
    question = QUESTIONS.get(name)
    if question is None:
        return [Trial(name, "", "failed", 0, "no question is known for it", "ask its maker")]
    trials = [await _ask(client, name, question.path(now), question)]
    for which, further in FURTHER.get(name, {}).items():
        trial = await _ask(client, name, further.path(now), further)
        trials.append(replace(trial, found=f"{which}: {trial.found}"))
    return trials


async def _ask(client: SourceClient, name: str, path: str, question: Question) -> Trial:
    started, answer = time.perf_counter(), None
    try:
        answer = await client.get(name, path, params=question.params or None, kind=question.kind)
        have = await asyncio.to_thread(_names_in, answer, question.kind)
    except (SourceError, zipfile.BadZipFile, OSError) as error:
        seconds = time.perf_counter() - started
        reason = error.reason if isinstance(error, SourceError) else f"a zip that cannot be read ({error})"
        refusal = error.body if isinstance(error, SourceRefused) else ""
        remedy = remedy_of(error, name, keyed=name in KEYED)
        return Trial(name, path, "failed", seconds, reason, remedy, answer=answer, refusal=refusal)
    seconds = time.perf_counter() - started
    missing = tuple(sorted(wanted for wanted in question.names if not any(_holds(h, wanted) for h in have)))
    if missing:
        shown = [name + _instead(name, have - question.names) for name in missing[:SHOWN]]
        message = ", ".join(shown) + (", …" if len(missing) > SHOWN else "")
        remedy = f"its format changed: invest data record {name}, and report the file"
        return Trial(name, answer.payload.url, "changed", seconds, f"lacks {message}", remedy, missing, answer)
    size = f"{answer.payload.size:,} bytes"
    return Trial(name, answer.payload.url, "ok", seconds, f"{size} in {seconds:.2f} s, as recorded", answer=answer)


def _instead(missing: str, have: Iterable[str]) -> str:
    """The names beside a missing one that are most like it: one of them may be its new one."""
    place, _, word = missing.rpartition(".")
    beside = {name.rpartition(".")[2].lower(): name for name in have if name.rpartition(".")[0] == place}
    close = difflib.get_close_matches(word.lower(), beside, n=3, cutoff=LIKE)
    return f" (beside it: {', '.join(beside[name].rpartition('.')[2] for name in close)})" if close else ""


def _holds(have: str, wanted: str) -> bool:
    return have == wanted or have.startswith((f"{wanted}.", f"{wanted}["))


def remedy_of(error: Exception, name: str, *, keyed: bool) -> str:
    """What to do about a failed question. `keyed`: the upstream is one that takes a key."""
    if isinstance(error, SourceRefused) and error.status in (401, 402, 403):
        firewall = not keyed or FIREWALL.search(error.body)
        return (
            TURNED_AWAY if firewall else "its key is missing, wrong or spent: set the token of [sources.{}]"
        ).format(name)
    if isinstance(error, BudgetSpent):
        return f"the month's budget is used up: sources.{name}.monthly_budget"
    if isinstance(error, Forbidden):
        return f"correct base_url of [sources.{name}]"
    if isinstance(error, BreakerOpen | SourceDown):
        return f"try again later; without a network, or for long: enabled = false in [sources.{name}]"
    if isinstance(error, NotAvailable):
        return "it moved or is not there yet: see docs/sources.md"
    why = "its address or its rules changed" if isinstance(error, SourceRefused) else "what came is not what is read"
    return f"{why}: invest data record {name}, and report the file"


def _names_in(answer: Response, kind: str) -> set[str]:
    """Names that an answer holds. Raises `SourceError`."""
    if kind == "json":
        return set(shape_of(answer.json()))
    if kind == "zip":
        return set(_names_in_zip(answer))
    text = answer.body.decode("latin-1")
    if kind == "csv":
        return {name.strip().strip('"').upper() for name in text.partition("\n")[0].split(";")}
    if kind == "rss" and "<rss" not in text[:2000] and "<feed" not in text[:2000]:
        raise Malformed(answer.payload.source, "no feed")
    return {word for word in WORDS if word in text}


def shape_of(data: object, path: str = "") -> Iterator[str]:
    """The names of JSON: "results[].symbol"; of a list its first hundred entries."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from shape_of(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list):
        yield f"{path}[]"
        for value in data[:100]:
            yield from shape_of(value, f"{path}[]")
    if path:
        yield path


def _names_in_zip(answer: Response) -> Iterator[str]:
    for _, lines in lines_in_zip(answer, 2):
        for line in lines:
            yield from (("00COTAHIST",) if line.startswith("00COTAHIST") else ())
            yield from (("01", "99COTAHIST") if line.startswith("01") else ())
        yield from (name.strip().strip('"').upper() for name in lines[0].split(";")) if lines else ()


def lines_in_zip(answer: Response, count: int) -> Iterator[tuple[str, list[str]]]:
    """The members of a zip, each with its first lines."""
    assert answer.path is not None  # a zip always lies on disk
    with zipfile.ZipFile(answer.path) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                wrapped = io.TextIOWrapper(stream, "latin-1", newline="")
                lines = [wrapped.readline(4096).rstrip("\r\n") for _ in range(count)]
            yield entry.filename, [line for line in lines if line]
