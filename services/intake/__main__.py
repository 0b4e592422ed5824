"""Runs the process."""

from services.intake.main import main

main()
