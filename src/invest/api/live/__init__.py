"""What moves: the event hub, callbacks, enqueuing."""
