"""The portal's side of the sandbox."""
