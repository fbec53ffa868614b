"""How fast the import is and what it takes, side by side with a peer or a floor: `make bench`, see docs/benchmarks.md."""
