"""A running platform under attack: `python -m bench.siege`."""
