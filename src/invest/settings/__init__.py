"""Settings: one frozen tree, the package's defaults < the user's settings.toml < .env < environment."""

from __future__ import annotations

from invest.settings.ai import AiSettings, ProviderSettings
from invest.settings.delivery import DeliverySettings
from invest.settings.engine import EngineSettings, QueueSettings
from invest.settings.environment import NOT_SETTINGS, PREFIX, WELL_KNOWN, setting_paths
from invest.settings.files import defaults_file, settings_file
from invest.settings.loading import get_settings, load, masked
from invest.settings.section import Section
from invest.settings.servers import HOME, CellSettings, DatabaseSettings, RedisSettings
from invest.settings.sources import HttpSettings, SourceSettings
from invest.settings.tree import Settings
from invest.settings.web import LoggingSettings, OpenIdSettings, QuotaSettings, WebSettings

__all__ = [
    "HOME",
    "NOT_SETTINGS",
    "PREFIX",
    "WELL_KNOWN",
    "AiSettings",
    "CellSettings",
    "DatabaseSettings",
    "DeliverySettings",
    "EngineSettings",
    "HttpSettings",
    "LoggingSettings",
    "OpenIdSettings",
    "ProviderSettings",
    "QueueSettings",
    "QuotaSettings",
    "RedisSettings",
    "Section",
    "Settings",
    "SourceSettings",
    "WebSettings",
    "defaults_file",
    "get_settings",
    "load",
    "masked",
    "setting_paths",
    "settings_file",
]
