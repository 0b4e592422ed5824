"""Whether a clip, or its motion, was handed in before: keyed tokens, kept for 24 hours per operator."""
