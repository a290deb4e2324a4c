"""Run the command suite as ``python -m scalpctl``."""

from scalpctl.cli.entry import main

if __name__ == "__main__":
    main()
