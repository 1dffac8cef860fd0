"""The endpoints of what people are told: their channels."""
