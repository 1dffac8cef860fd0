"""The same tiny workload on each system. Run as ``python -m bench.peers.<name>_peer worker|client``."""
