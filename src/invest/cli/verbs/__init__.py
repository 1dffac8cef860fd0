"""The verbs of the `invest` command, one module per subject."""
