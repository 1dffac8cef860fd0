"""Each parser of foreign bytes against spoilt inputs: `python -m bench.fuzz`."""
