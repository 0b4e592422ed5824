"""`python -m services.cli` is `realname`."""

from services.cli.main import main

main()
