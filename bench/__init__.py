"""Measurements and fault injection; each module is a program: ``python -m bench.<name>``."""
