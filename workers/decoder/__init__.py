"""Decoding of hostile bytes in children without rights: a death in there costs one recording, never the worker."""
