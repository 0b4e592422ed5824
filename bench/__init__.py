"""The figures of the README: by step, under load, as it grows; and stand-ins for the stages."""
