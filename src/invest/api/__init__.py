"""HTTP handlers behind `invest.web`."""
