"""Registrations from real clips through the real stack: what each must lead to, against what was seen."""
