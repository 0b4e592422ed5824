"""Runs the process."""

from services.janitor.main import main

main()
