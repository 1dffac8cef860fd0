"""Who may do what: keys, scopes, rate limits, ownership, the audit log."""
