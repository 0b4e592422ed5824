"""The projector: follows registrations.decided and writes the last status of each registration, forwards only."""
