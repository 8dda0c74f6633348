"""Stock's worker against Hydrofoil's: a catalogue of cases, users' own functions, drawn ones."""
