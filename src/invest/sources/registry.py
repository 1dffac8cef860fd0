"""Every upstream there is, by what it can do. A new one is a module and its name in the lists it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from invest.domain.news import Recogniser
from invest.errors import ConfigError
from invest.plugins import installed
from invest.sources.b3 import B3IndicesSource, B3ProgrammesSource, B3Source, CotahistSource
from invest.sources.bcb import BcbSource, OlindaSource
from invest.sources.brapi import BrapiSource
from invest.sources.cvm import CvmEtfsSource, CvmFundsSource, CvmSource
from invest.sources.feeds import GdeltSource, GoogleNewsSource, RssSource
from invest.sources.model import (
    AssetSource,
    FilingIndex,
    Listing,
    MacroSource,
    NewsSource,
    PriceSource,
    QuoteArchive,
    Source,
)
from invest.sources.others import BinanceSource, FundamentusSource, MercadoBitcoinSource, YahooSource

Kind = TypeVar("Kind", bound=Source)


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The upstreams in use, by what each can do; one may stand in several lists.

    `known`: the assets that news sources recognise in what they read.
    """

    assets: tuple[AssetSource, ...] = ()
    prices: tuple[PriceSource, ...] = ()
    news: tuple[NewsSource, ...] = ()
    macro: tuple[MacroSource, ...] = ()
    listings: tuple[Listing, ...] = ()
    filings: tuple[FilingIndex, ...] = ()
    archives: tuple[QuoteArchive, ...] = ()
    known: Recogniser = field(default_factory=Recogniser)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each, once."""
        every: tuple[Source, ...] = (*self.assets, *self.prices, *self.news, *self.macro, *self.listings, *self.filings)
        return tuple(dict.fromkeys(source.name for source in every))


def added() -> list[Source]:
    """Upstreams that installed packages bring as entry points ``invest.sources``: an instance, or a class without
    arguments.

    Raises `ConfigError` for what is no source.
    """
    found: list[Source] = []
    for plugin in installed("invest.sources"):
        source = plugin.value() if isinstance(plugin.value, type) else plugin.value
        name = getattr(source, "name", None)
        if not isinstance(source, CAPABILITIES) or not isinstance(name, str):
            raise ConfigError(f"invest.sources {plugin.name!r}: it has no name or can do nothing that a source does")
        found.append(source)
    return found


CAPABILITIES = (AssetSource, PriceSource, NewsSource, MacroSource, Listing, FilingIndex)


def upstreams(enabled: Callable[[str], bool]) -> Upstreams:
    """Those whose names are `enabled`, those of installed packages behind our own."""
    more = added()

    def chosen(*sources: Kind) -> tuple[Kind, ...]:
        return tuple(source for source in sources if enabled(source.name))

    known = Recogniser()
    cotahist, cvm, brapi = CotahistSource(), CvmSource(), BrapiSource()
    witnesses = cotahist, cvm
    b3 = B3Source(chosen(*witnesses), [witness.name for witness in witnesses if not enabled(witness.name)])
    coins = MercadoBitcoinSource()
    rss, google, gdelt = RssSource(known), GoogleNewsSource(known), GdeltSource(known)
    others: Iterable[AssetSource] = (YahooSource(), FundamentusSource(), google, gdelt, BinanceSource())
    return Upstreams(
        assets=chosen(
            cotahist,
            b3,
            B3IndicesSource(),
            B3ProgrammesSource(),
            cvm,
            CvmFundsSource(),
            CvmEtfsSource(),
            brapi,
            coins,
            rss,
            *others,
            *(s for s in more if isinstance(s, AssetSource)),
        ),
        prices=chosen(brapi, coins, *(s for s in more if isinstance(s, PriceSource))),
        news=chosen(cvm, rss, *(s for s in more if isinstance(s, NewsSource))),
        macro=chosen(BcbSource(), OlindaSource(), *(s for s in more if isinstance(s, MacroSource))),
        listings=chosen(cotahist, *(s for s in more if isinstance(s, Listing))),
        filings=chosen(cvm, *(s for s in more if isinstance(s, FilingIndex))),
        archives=chosen(cotahist, *(s for s in more if isinstance(s, QuoteArchive))),
        known=known,
    )
