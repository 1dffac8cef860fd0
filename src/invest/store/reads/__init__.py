"""What many ask for at about the same time, read once for all of them."""

from invest.store.reads.asset_reads import AssetReads
from invest.store.reads.group_reads import GroupReads

__all__ = ["AssetReads", "GroupReads"]
