"""What goes wrong, and what must be true all the same: faults, crashes, limits, a full disk."""
