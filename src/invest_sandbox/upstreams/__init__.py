"""One module per upstream: its real paths, its real wire format, filled from the world."""
