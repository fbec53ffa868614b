"""How fast the import is and what it takes, beside a peer or a floor: `make bench`."""
