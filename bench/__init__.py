"""The figures of the README: by step, at a steady rate, and stand-ins for the stages."""
