"""The endpoints whose answers are lists or files of them, by the header `Accept`."""
