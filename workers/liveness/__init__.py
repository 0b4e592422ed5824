"""Whether the clip shows a living person who does what was asked. Measures; the dispatcher decides."""
