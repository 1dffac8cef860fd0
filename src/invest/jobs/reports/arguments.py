"""Arguments that several report jobs take."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

Language = Literal["pt-BR", "en"]


Provider = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[a-z0-9_-]+$")]


Report = dict[str, Any]


ReportId = Annotated[str, Field(min_length=1, max_length=64)]


Format = Literal["pdf", "markdown", "html", "xlsx", "csv"]
