"""The processes around the ledger: intake, dispatcher, projector, janitor, review, command line."""
