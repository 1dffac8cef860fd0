"""The `invest` command."""
