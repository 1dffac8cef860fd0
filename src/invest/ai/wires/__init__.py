"""One module per wire format: how a question is put on it and how its answer is read."""
