"""The account's side of the sandbox."""
