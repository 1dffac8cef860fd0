"""Stand-ins for every upstream and AI on loopback, speaking their wire formats."""
