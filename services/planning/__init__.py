"""How much of everything a country takes, and how its day goes: arithmetic and discrete events over measured coefficients."""
