"""HTTP mechanics: routing, wire format, problems, connections, OpenAPI."""

from __future__ import annotations

from invest.api.http.batching import Batcher
from invest.api.http.bodies import Bodies
from invest.api.http.caller import ANYBODY, LOCAL, Caller
from invest.api.http.etags import etag_matches, etag_of
from invest.api.http.examples import TELLING
from invest.api.http.headers import (
    API_POLICY,
    ORIGINS,
    SECURITY,
    Plain,
    answer_to_options,
    compress,
    on_prepare,
    takes_gzip,
)
from invest.api.http.lazy_store import LazyStore
from invest.api.http.meters import Meters, route_of
from invest.api.http.negotiation import chosen_media
from invest.api.http.openapi import document
from invest.api.http.paging import (
    DAY_PLACE,
    PLACE,
    Cursor,
    Listing,
    cut,
    day_in_reach,
    in_reach,
    next_link,
    paged,
    paged_as,
    read_day,
    read_time,
    sealed,
    sliced,
    time_cursor,
)
from invest.api.http.problems import (
    FieldError,
    Problem,
    invalid,
    invalid_fields,
    problem_of,
    render,
    retry_after,
    title_of,
    unavailable,
)
from invest.api.http.public import EXPORTS, public_result, public_text
from invest.api.http.request_log import RequestLog
from invest.api.http.routing import (
    LINE,
    PREFIX,
    Access,
    Body,
    Incoming,
    Input,
    Output,
    Reply,
    Route,
    ScopeName,
    Texts,
    route,
)
from invest.api.http.wire import checked_text, parts_of, read_body, to_json, to_json_in_turns

__all__ = [
    "ANYBODY",
    "API_POLICY",
    "DAY_PLACE",
    "EXPORTS",
    "LINE",
    "LOCAL",
    "ORIGINS",
    "PLACE",
    "PREFIX",
    "SECURITY",
    "TELLING",
    "Access",
    "Batcher",
    "Bodies",
    "Body",
    "Caller",
    "Cursor",
    "FieldError",
    "Incoming",
    "Input",
    "LazyStore",
    "Listing",
    "Meters",
    "Output",
    "Plain",
    "Problem",
    "Reply",
    "RequestLog",
    "Route",
    "ScopeName",
    "Texts",
    "answer_to_options",
    "checked_text",
    "chosen_media",
    "compress",
    "cut",
    "day_in_reach",
    "document",
    "etag_matches",
    "etag_of",
    "in_reach",
    "invalid",
    "invalid_fields",
    "next_link",
    "on_prepare",
    "paged",
    "paged_as",
    "parts_of",
    "problem_of",
    "public_result",
    "public_text",
    "read_body",
    "read_day",
    "read_time",
    "render",
    "retry_after",
    "route",
    "route_of",
    "sealed",
    "sliced",
    "takes_gzip",
    "time_cursor",
    "title_of",
    "to_json",
    "to_json_in_turns",
    "unavailable",
]
