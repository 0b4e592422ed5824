"""The dispatcher: the ledger. Takes submissions, has them measured, decides, and commits decision and offset as one."""
