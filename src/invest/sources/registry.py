"""Every upstream there is, by what it can do. A new one is a module and its name in the lists it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from invest.domain.news import Recogniser
from invest.sources.b3 import B3Source, CotahistSource
from invest.sources.bcb import BcbSource, OlindaSource
from invest.sources.brapi import BrapiSource
from invest.sources.cvm import CvmFundsSource, CvmSource
from invest.sources.feeds import GdeltSource, GoogleNewsSource, RssSource
from invest.sources.model import AssetSource, FilingIndex, Listing, MacroSource, NewsSource, PriceSource, Source
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
    known: Recogniser = field(default_factory=Recogniser)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each, once."""
        every: tuple[Source, ...] = (*self.assets, *self.prices, *self.news, *self.macro, *self.listings, *self.filings)
        return tuple(dict.fromkeys(source.name for source in every))


def upstreams(enabled: Callable[[str], bool]) -> Upstreams:
    """Those whose names are `enabled`."""

    def chosen(*sources: Kind) -> tuple[Kind, ...]:
        return tuple(source for source in sources if enabled(source.name))

    known = Recogniser()
    cotahist, b3, cvm, brapi = CotahistSource(), B3Source(), CvmSource(), BrapiSource()
    coins = MercadoBitcoinSource()
    rss, google, gdelt = RssSource(known), GoogleNewsSource(known), GdeltSource(known)
    others: Iterable[AssetSource] = (YahooSource(), FundamentusSource(), google, gdelt, BinanceSource())
    return Upstreams(
        assets=chosen(cotahist, b3, cvm, CvmFundsSource(), brapi, coins, rss, *others),
        prices=chosen(brapi, coins),
        news=chosen(cvm, rss),
        macro=chosen(BcbSource(), OlindaSource()),
        listings=chosen(cotahist),
        filings=chosen(cvm),
        known=known,
    )
