"""The invented market: who is listed, how prices moved, what was paid, filed and written. No I/O but the bars' CSV."""
