"""`python -m bench.load`."""

from bench.load.main import main

if __name__ == "__main__":  # a child that makes the media imports this, too
    main()
