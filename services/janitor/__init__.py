"""The janitor: the only process that deletes media. It follows decisions and sweeps the vault for orphans."""
