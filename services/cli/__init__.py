"""The command line: the composition root of the one-machine stack."""
