"""Runs the process."""

from services.projector.main import main

main()
