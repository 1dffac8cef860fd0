"""The investors' verbs, each a request to the HTTP API: assets, portfolios, reports, alerts, exports."""
