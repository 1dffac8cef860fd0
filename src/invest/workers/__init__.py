"""Where jobs run: one entry per queue, and the composition root."""
