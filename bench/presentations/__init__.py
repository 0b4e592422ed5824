"""Genuine presentations and attacks, built at run time from registry media, judged whole. `python -m bench.presentations`."""
