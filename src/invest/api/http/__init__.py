"""HTTP mechanics: routing, wire format, problems, connections, OpenAPI."""
