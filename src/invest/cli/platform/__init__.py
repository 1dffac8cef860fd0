"""Running the platform on one machine: embedded servers, supervisor, demo."""
