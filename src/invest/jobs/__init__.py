"""What the system can do: one declared job per use case."""
