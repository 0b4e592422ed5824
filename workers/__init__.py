"""Celery stages: decode, liveness, matching, evaluation. Workers measure and never decide."""
