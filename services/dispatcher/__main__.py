"""Runs the process."""

from services.dispatcher.main import main

main()
