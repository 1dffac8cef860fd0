"""Channels to people and what they are still to tell."""

from invest.store.notices.notices import Notices, Secret

__all__ = ["Notices", "Secret"]
