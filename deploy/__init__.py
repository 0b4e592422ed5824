"""Deployments of realname. Only the command line imports from here."""
