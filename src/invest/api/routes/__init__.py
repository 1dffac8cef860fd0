"""The endpoints, one module per subject, and the table of them all."""
