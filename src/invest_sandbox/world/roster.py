"""Builds the list of what is traded: well-known papers first, invented ones for the rest."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files

import numpy as np

from invest_sandbox.seeds import number, stream
from invest_sandbox.world.codes import cnpj, isin
from invest_sandbox.world.listings import Company, Kind, Listing, unit_of

# Share of each kind among invented papers, close to B3's own list.
MIX: tuple[tuple[Kind, float], ...] = (("stock", 0.44), ("unit", 0.03), ("fii", 0.26), ("etf", 0.07), ("bdr", 0.20))
SEGMENTS = ("NM", "NM", "NM", "N2", "N1", "")
# CVM's SETOR_ATIV with B3's classification and the words a trading name ends on.
SECTORS: tuple[tuple[str, str, str], ...] = (
    ("Energia Elétrica", "Utilidade Pública / Energia Elétrica / Energia Elétrica", "ENERGIA"),
    ("Comércio (Atacado e Varejo)", "Consumo Cíclico / Comércio / Produtos Diversos", "VAREJO"),
    ("Construção Civil, Mat. Constr. e Decoração", "Consumo Cíclico / Construção Civil / Incorporações", "CONST"),
    ("Bancos", "Financeiro / Intermediários Financeiros / Bancos", "BANCO"),
    (
        "Máquinas, Equipamentos, Veículos e Peças",
        "Bens Industriais / Máquinas e Equipamentos / Máq. e Equip. Industriais",
        "MAQ",
    ),
    ("Metalurgia e Siderurgia", "Materiais Básicos / Siderurgia e Metalurgia / Siderurgia", "METAL"),
    ("Alimentos", "Consumo não Cíclico / Alimentos Processados / Alimentos Diversos", "ALIM"),
    ("Serviços Médicos", "Saúde / Serviços Médico - Hospitalares / Análises e Diagnósticos", "SAUDE"),
    ("Saneamento, Serv. Água e Gás", "Utilidade Pública / Água e Saneamento / Água e Saneamento", "AGUAS"),
    ("Comunicação e Informática", "Tecnologia da Informação / Programas e Serviços / Programas e Serviços", "TECH"),
    ("Serviços Transporte e Logística", "Bens Industriais / Transporte / Transporte Rodoviário", "LOG"),
    ("Petróleo e Gás", "Petróleo. Gás e Biocombustíveis / Exploração. Refino e Distribuição / Exploração", "OLEO"),
    ("Papel e Celulose", "Materiais Básicos / Madeira e Papel / Papel e Celulose", "PAPEL"),
    ("Têxtil e Vestuário", "Consumo Cíclico / Tecidos. Vestuário e Calçados / Vestuário", "TEXTIL"),
    ("Educação", "Consumo Cíclico / Diversos / Serviços Educacionais", "EDUC"),
    ("Seguradoras e Corretoras", "Financeiro / Previdência e Seguros / Seguradoras", "SEGUROS"),
    ("Agricultura (Açúcar, Álcool e Cana)", "Consumo não Cíclico / Agropecuária / Agricultura", "AGRO"),
    ("Telecomunicações", "Comunicações / Telecomunicações / Telecomunicações", "TELECOM"),
)
SYLLABLES = (
    "AL", "AR", "BA", "BRA", "CA", "CE", "CO", "DA", "DO", "FER", "GA", "GUA", "ITA", "JA", "LU", "MAR", "MI", "MON",
    "NA", "NOR", "OR", "PA", "PE", "PI", "RA", "RE", "RIO", "SAN", "SE", "SOL", "SUL", "TA", "TE", "TRI", "UNI", "VER",
    "VI", "XA", "ZE",
)  # fmt: skip
FIRST_CODE = 80_000  # CVM codes of invented companies; CVM's own end below
ABROAD = ("Inc.", "Corporation", "plc", "N.V.", "Group", "Holdings")


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (files("invest_sandbox.world") / name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines, delimiter=";")


@lru_cache(maxsize=1)
def known_companies() -> dict[str, Company]:
    """Public facts of well-known issuers by their four letters; a CVM code left open gets one beyond CVM's own."""
    return {
        r["issuer"]: Company(
            r["issuer"],
            r["name"],
            r["trading"],
            r["cnpj"],
            int(r["cvm"] or 70000 + number(r["issuer"]) % 9999),
            r["sector"],
            r["classification"],
            r["segment"],
            int(r["common"]),
            int(r["preferred"]),
        )
        for r in _rows("known_companies.csv")
    }


@lru_cache(maxsize=1)
def known_listings() -> tuple[Listing, ...]:
    """Well-known papers, in an order that mixes the kinds."""
    companies = known_companies()
    out = []
    for r in _rows("known_listings.csv"):
        company = companies.get(r["issuer"])
        kind: Kind = r["kind"]  # type: ignore[assignment]  # the file holds these words only, a test checks it
        name = company.name if company else r["name"]
        trading = company.trading if company else _trading_name(kind, r["name"])
        level = float(r["price"])
        bundle = unit_of(r["issuer"]) if kind == "unit" else 1
        shares = company.shares // bundle if company else _fund_shares(r["ticker"], level)
        root = number("cnpj", r["issuer"]) % 89_999_999 + 10_000_000
        digits = company.cnpj if company else (cnpj(root) if kind in ("fii", "etf") else "")
        out.append(
            Listing(
                r["ticker"], kind, r["issuer"], name, trading, r["especi"], r["isin"], level, shares, digits, company
            )
        )
    return tuple(out)


def _trading_name(kind: Kind, name: str) -> str:
    prefix = "FII " if kind == "fii" else ""
    return (prefix + name.upper().replace(",", "").replace(".", ""))[:12].strip()


def _fund_shares(ticker: str, level: float) -> int:
    """Shares that make a fund or coin worth 0.3 to 8 billion BRL."""
    worth = 3e8 * (1 + 25 * (number("worth", ticker) % 1000) / 1000)
    return max(10_000, int(worth / level))


def _root(index: int) -> int:
    """An eight-digit CNPJ root of its own for every index (7919 is a prime that does not divide the span)."""
    return 10_000_000 + index * 7919 % 89_999_999


def _word(rng: np.random.Generator) -> str:
    return "".join(SYLLABLES[i] for i in rng.integers(0, len(SYLLABLES), int(rng.integers(2, 4))))


class Inventor:
    """Makes papers that do not exist, each with codes no other has."""

    def __init__(self, seed: int, taken: Iterable[str]) -> None:
        self.seed = seed
        self.taken = set(taken)
        self.named: set[str] = set()

    def issuer(self, rng: np.random.Generator, word: str) -> str:
        """Four letters not yet in use, starting as `word` does."""
        code = (word + "XXXX")[:4]
        while code in self.taken:
            code = code[:1] + "".join(chr(65 + int(n)) for n in rng.integers(0, 26, 3))
        self.taken.add(code)
        return code

    def make(self, index: int, kind: Kind) -> Listing:
        """The `index`-th invented paper."""
        rng = stream(self.seed, "paper", index)
        word = _word(rng)
        code = self.issuer(rng, word)
        if word in self.named:
            word = f"{code} {word}"
        self.named.add(word)
        if kind in ("stock", "unit"):
            return self._share(rng, word, code, kind, index)
        return self._fund(rng, word, code, kind, index)

    def _share(self, rng: np.random.Generator, word: str, code: str, kind: Kind, index: int) -> Listing:
        sector, classification, short = SECTORS[int(rng.integers(0, len(SECTORS)))]
        segment = SEGMENTS[int(rng.integers(0, len(SEGMENTS)))]
        if kind == "unit":
            segment = "N2"
        level = round(float(np.exp(rng.uniform(np.log(3), np.log(90)))), 2)
        worth = float(np.exp(rng.uniform(np.log(4e8), np.log(6e10))))
        bundle = unit_of(code) if kind == "unit" else 1
        total = max(1_000_000, int(worth / level)) * bundle
        paper = 11 if kind == "unit" else int(rng.choice((3, 3, 3, 4, 4, 5)))
        common = total if paper == 3 and segment == "NM" else int(total * rng.uniform(0.34, 0.6))
        company = Company(
            code,
            f"{word} {'PARTICIPAÇÕES' if rng.random() < 0.3 else sector.split(' ')[0].upper().rstrip(',')} S.A.",
            f"{word[: 11 - len(short)]} {short}"[:12],
            cnpj(_root(index)),
            FIRST_CODE + index,
            sector,
            classification,
            segment,
            common,
            total - common,
        )
        letters = {3: ("ON", "ACNOR"), 4: ("PN", "ACNPR"), 5: ("PNA", "ACNPA"), 11: ("UNT", "CDAM1")}[paper]
        especi = f"{letters[0]:<8}{segment}".rstrip()
        body = f"BR{code}{letters[1]}"
        return Listing(
            f"{code}{paper}", kind, code, company.name, company.trading, especi, isin(body), level, total // bundle,
            company.cnpj, company,
        )  # fmt: skip

    def _fund(self, rng: np.random.Generator, word: str, code: str, kind: Kind, index: int) -> Listing:
        low, high = {"fii": (8, 160), "etf": (9, 180), "bdr": (12, 180)}[kind]
        level = round(float(np.exp(rng.uniform(np.log(low), np.log(high)))), 2)
        names = {
            "fii": f"{word} {('LOGÍSTICA', 'RENDA', 'SHOPPINGS', 'CRI', 'LAJES')[int(rng.integers(0, 5))]} FII",
            "etf": f"{word} FUNDO DE ÍNDICE",
            "bdr": f"{word.capitalize()} {ABROAD[int(rng.integers(0, len(ABROAD)))]}",
        }
        ticker = f"{code}{34 if kind == 'bdr' else 11}"
        especi = {"fii": "CI  ER", "etf": "CI", "bdr": "DRN"}[kind]
        body = f"BR{code}{'BDR00' if kind == 'bdr' else 'CTF00'}"
        trading = _trading_name(kind, names[kind])
        digits = "" if kind == "bdr" else cnpj(_root(index))
        return Listing(
            ticker, kind, code, names[kind], trading, especi, isin(body), level, _fund_shares(ticker, level), digits
        )


def roster(seed: int, assets: int, wanted: Iterable[str] = ()) -> tuple[Listing, ...]:
    """`assets` papers: the well-known ones in their order, those `wanted` always, invented ones for the rest."""
    wanted = set(wanted)
    known = known_listings()
    chosen = [x for i, x in enumerate(known) if i < assets or x.ticker in wanted]
    named = {x.ticker for x in chosen}
    inventor = Inventor(seed, {x.issuer for x in known} | {t[:4] for t in wanted})
    chosen += [_stranger(seed, t) for t in sorted(wanted - named) if not t.startswith("^")]
    missing = max(0, assets - len(chosen))
    kinds: list[Kind] = []
    for kind, share in MIX:
        kinds += [kind] * round(missing * share)
    kinds += ["stock"] * (missing - len(kinds))
    order = stream(seed, "order").permutation(missing)
    return (*chosen, *(inventor.make(i, kinds[int(place)]) for i, place in enumerate(order)))


def _stranger(seed: int, ticker: str) -> Listing:
    """A paper that a CSV of bars names and no table knows: its suffix says what it is, the rest is invented."""
    if ticker.endswith(("-BRL", "-USD")):
        coin = ticker.partition("-")[0]
        return Listing(ticker, "crypto", coin, coin, ticker[:12], "", "", 10.0, 1)
    code, suffix = ticker[:4], ticker[4:]
    kind: Kind = "bdr" if suffix.startswith("3") and len(suffix) == 2 else "etf" if suffix == "11" else "stock"
    made = Inventor(seed, ()).make(10_000 + number(ticker) % 9_000, kind)
    company = made.company and Company(code, f"{code} S.A.", code, *_rest(made.company))
    name = company.name if company else f"{code} FUNDO"
    return Listing(
        ticker, kind, code, name, code, made.especi, isin(f"BR{code}{made.isin[6:11]}"), made.level, made.shares,
        made.cnpj, company,
    )  # fmt: skip


def _rest(c: Company) -> tuple[str, int, str, str, str, int, int]:
    return c.cnpj, c.cvm_code, c.sector, c.classification, c.segment, c.common, c.preferred
