"""One file per noun of the domain: pure functions, so plain values in and out."""
