"""Analysts: several AIs asked at the same time, each giving one structured opinion."""
