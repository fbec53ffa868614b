"""What goes wrong, and what must be true all the same: faults of both systems, crashes, limits, troubles on the disk."""
