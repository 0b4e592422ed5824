"""Whether the portrait and the clip show the same person. Measures; the dispatcher decides."""
