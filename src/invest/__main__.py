"""`python -m invest`: the command without an installed script, as a Procfile runs it."""

from invest.cli import main

if __name__ == "__main__":
    main()
