"""The depositary's list of programmes of receipts (a page of tables), and what the document of one of them says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from invest.domain.market import HomePaper, currency_of

CODE: Final = re.compile(r"([A-Z0-9]{4}\d{2})\*?")  # the star marks programmes for qualified investors alone
TOTAL: Final = re.compile(r"Exibindo\s+[\d.]+\s*-\s*[\d.]+\s+de\s+([\d.]{1,12})\s+resultados", re.IGNORECASE)
MOST: Final = 100_000  # of either side of a parity
LONGEST_CODE, LONGEST_NAME = 20, 60  # characters
WHOLE: Final = r"(?:\d{1,3}(?:\.\d{3})+|\d{1,6})"  # a point parts thousands: "1.5" is no whole number, nor is "1,5"
# The document says the same in Portuguese and in English; of both the first that is there counts.
PARITY: Final = re.compile(
    r"(?:Rela[cç][aã]o\s+BDR\s*x\s*(?P<pt>A[cç][aã]o|ADR|Ativo)(?:\s+Lastro)?"
    r"|Parity\s+BDR\s*x\s*(?P<en>Underlying\s+Share|ADR)"
    r"|Paridade\s+BDR\s*[x:/]?\s*(?P<other>[^:\d\n]{0,40}))\s*:\s*"
    rf"(?P<receipts>{WHOLE})\s*(?:BDRs?\s*)?:\s*(?P<papers>{WHOLE})(?![.,]?\d)",
    re.IGNORECASE,
)
VALUE: Final = r"\s*:\s*([^\n:]+)(?=\n|$)"  # what follows a label, in its line or alone in the next
SYMBOLS: Final = (
    r"C[oó]digo\s+d[ao]\s+(?:A[cç][aã]o\s+Representada|Ativo\s+Lastro)" + VALUE,
    r"Code\s+of\s+the\s+Represented\s+Share" + VALUE,
)
# The receipt's own code and place have the same labels before those of the ADR.
ADR_SYMBOLS: Final = (
    r"C[oó]digo\s+de\s+Negocia[cç][aã]o\s+do\s+ADR" + VALUE,
    r"C[oó]digo\s+de\s+Negocia[cç][aã]o" + VALUE + r"\nAmbiente\s+de\s+Negocia[cç][aã]o" + VALUE,
    r"Trading\s+Code" + VALUE + r"\nTrading\s+Environment" + VALUE,
)
EXCHANGES: Final = (
    r"Bolsa\s+de\s+Valores\s+da\s+A[cç][aã]o\s+Representada" + VALUE,
    r"Stock\s+Exchange\s+of\s+the\s+Represented\s+Share" + VALUE,
    r"Bolsa\s+de\s+Negocia[cç][aã]o[^:\n]*" + VALUE,
)
ISINS: Final = (
    r"ISIN\s+da\s+A[cç][aã]o\s+Representada\s*:\s*([A-Z]{2}[A-Z0-9]{9}\d)",
    r"ISIN\s+code\s+of\s+the\s+Represented\s+Share\s*:\s*([A-Z]{2}[A-Z0-9]{9}\d)",
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a document says of its programme."""

    home: HomePaper
    backing: Literal["share", "adr"]
    receipts: int
    papers: int


def documents_in(body: bytes, page: str) -> tuple[dict[str, str], int | None]:
    """The address of each programme's document by the receipt's code, and how many programmes there are.

    A row is the company, the code and links: to the company's own site, and last to the document on the same host.
    """
    tree = LexborHTMLParser(body.decode("utf-8", "replace"))
    found: dict[str, str] = {}
    for row in tree.css("tr"):
        cells = row.css("td")
        code = CODE.fullmatch(_text(cells[1]).replace(" ", "").upper()) if len(cells) > 1 else None
        links = [_address(page, link.attributes.get("href")) for link in row.css("a")]
        here = [link for link in links if link is not None]
        documents = [link for link in here if ".pdf" in link.lower() or "/documents/" in link] or here
        if code is not None and documents:
            found.setdefault(code[1], documents[-1])
    total = TOTAL.search(" ".join(_text(tree.root).split())) if tree.root is not None else None
    digits = total[1].replace(".", "") if total else ""
    return found, int(digits) if digits else None


def _address(page: str, href: str | None) -> str | None:
    """The address of a link to the page's own host; None for another one and for what is none."""
    try:
        link = urljoin(page, href or "")
        return link if href and urlsplit(link).netloc == urlsplit(page).netloc else None
    except ValueError:
        return None


def _text(node: LexborNode) -> str:
    return " ".join(node.text(separator=" ").split())


def terms_of(text: str, ticker: str) -> Terms | None:
    """The parity and the paper at home in the text of a document; None where either is not told."""
    text = "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())  # patterns meet no long gaps
    match = PARITY.search(text)
    if match is None:
        return None
    receipts, papers = (int(match[name].replace(".", "")) for name in ("receipts", "papers"))
    if not (0 < receipts <= MOST and 0 < papers <= MOST):
        return None
    adr = "adr" in (match["pt"] or match["en"] or match["other"] or "").lower()
    symbol, place = _paper(text, (*ADR_SYMBOLS, *SYMBOLS) if adr else SYMBOLS, ticker)
    if symbol is None:
        return None
    exchange = place or _first(text, EXCHANGES)
    isin = None if adr else _first(text, ISINS)  # an ADR's document has the share's, which is another paper
    home = HomePaper(symbol=symbol, exchange=exchange, currency=currency_of(exchange), isin=isin)
    return Terms(home, "adr" if adr else "share", receipts, papers)


def _paper(text: str, patterns: tuple[str, ...], ticker: str) -> tuple[str | None, str | None]:
    """The first code that is not the receipt's own, and where it trades if that stands beside it."""
    for pattern in patterns:
        for match in re.finditer(pattern, text, re.IGNORECASE):
            code = match[1].split()[0].strip(".;,()").upper() if match[1].strip() else ""
            if code and code != ticker and len(code) <= LONGEST_CODE:
                return code, _plain(match[2]) if match.re.groups > 1 else None
    return None, None


def _first(text: str, patterns: tuple[str, ...]) -> str | None:
    match = next((found for pattern in patterns if (found := re.search(pattern, text, re.IGNORECASE))), None)
    return _plain(match[1]) if match else None


def _plain(text: str) -> str | None:
    return " ".join(text.split())[:LONGEST_NAME].upper() or None


def unlisted(documents: Mapping[str, str], total: int | None) -> bool:
    """Whether the list names more programmes than were read."""
    return total is not None and len(documents) < total
