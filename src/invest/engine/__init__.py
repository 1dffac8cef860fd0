"""How jobs run: the only package that imports arq."""
