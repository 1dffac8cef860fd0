"""The endpoints of portfolios: transactions, imports, corrections, proposals, tax, fixed income."""
